"""The shape of a GPT, and the shapes that have names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kubelab.llm.errors import ConfigError

BYTES = 256
"""The vocabulary of a byte-level model: no tokenizer, and no text that it cannot read."""


@dataclass(frozen=True, slots=True)
class GPTConfig:
    """A decoder-only transformer's shape, in Llama's parts.

    Parameters
    ----------
    width : int
        Numbers that stand for one token inside the model.
    layers : int
        Blocks of attention and feed-forward network.
    heads, kv_heads : int
        Query heads, and key and value heads that groups of them share (grouped-query attention).
    head_dim : int
        Numbers in one head; even, because RoPE turns them in pairs.
    hidden : int
        Width inside the feed-forward network.
    context : int
        Tokens that the model looks back at.
    vocabulary : int
        Tokens that there are.
    rope_theta, norm_eps : float
        RoPE's base, and what RMSNorm adds before it divides.
    tied : bool
        Whether the head is the embedding again.
    """

    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    context: int = 128
    vocabulary: int = BYTES
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    tied: bool = True

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "kv_heads", "head_dim", "hidden", "context", "vocabulary"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} must be at least 1.")
        if self.head_dim % 2:
            raise ConfigError(f"head_dim={self.head_dim} must be even: RoPE turns its numbers in pairs.")
        if self.heads % self.kv_heads:
            raise ConfigError(
                f"heads={self.heads} cannot share kv_heads={self.kv_heads} evenly: choose a divisor."
            )

    @property
    def parameters(self) -> int:
        """How many weights a model of this shape has."""
        attention = 2 * self.width * self.head_dim * (self.heads + self.kv_heads)
        layer = attention + 3 * self.width * self.hidden + 2 * self.width
        embeddings = self.vocabulary * self.width * (1 if self.tied else 2)
        return embeddings + self.layers * layer + self.width

    def to_json(self) -> dict[str, Any]:
        """Return the shape as JSON keeps it."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> GPTConfig:
        """Return the shape that `to_json` wrote."""
        return GPTConfig(**values)


SIZES: Mapping[str, GPTConfig] = {
    "nano": GPTConfig(width=96, layers=2, heads=3, kv_heads=3, head_dim=32, hidden=384, context=64),
    "micro": GPTConfig(width=128, layers=4, heads=4, kv_heads=4, head_dim=32, hidden=512),
    "mini": GPTConfig(width=256, layers=4, heads=8, kv_heads=4, head_dim=32, hidden=704, context=256),
    "small": GPTConfig(width=384, layers=6, heads=6, kv_heads=3, head_dim=64, hidden=1152, context=256),
    "medium": GPTConfig(width=512, layers=9, heads=8, kv_heads=4, head_dim=64, hidden=1600, context=512),
}
"""From 0.3 to 30 million weights."""


def size(name: str) -> GPTConfig:
    """Return the shape of that name.

    Raises
    ------
    ConfigError
        If there is none, with those that there are.
    """
    if name not in SIZES:
        known = ", ".join(f"{each} ({count(shape.parameters)})" for each, shape in SIZES.items())
        raise ConfigError(f"size={name!r} is not known. Choose one of: {known}.")
    return SIZES[name]


def count(parameters: int) -> str:
    """Return a number of weights in short: ``0.3 M``."""
    return f"{parameters / 1e6:.1f} M"
