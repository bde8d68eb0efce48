"""Queues of packets and the rules that lead there, in a network namespace of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

OWN_NETWORK = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
SAY = """
import asyncio, subprocess
from kubelab.engine.chaos.mangle import chain_of, let_pass, send_to_queue

def call(command):
    subprocess.run(command.split(), check=True)

def tables():
    return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout

def add(uid):
    asyncio.run(send_to_queue(chain_of("abcdef", uid), ["127.20.0.3"], 41_000))

def remove(uid):
    asyncio.run(let_pass(chain_of("abcdef", uid)))

"""


def _why_not() -> str:
    if not all(map(shutil.which, ("unshare", "iptables", "nft"))):
        return "unshare, iptables or nft is not on this machine"
    asked = [*OWN_NETWORK, "iptables", "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return "" if "nf_tables" in done.stdout else f"iptables is not nft's in a namespace here: {done}"


pytestmark = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "-")


def run(script: str) -> None:
    done = subprocess.run(
        [*OWN_NETWORK, sys.executable, "-c", SAY + script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_was_made_for_a_queue_is_removed_to_the_last_trace() -> None:
    run("""
add("11111111")
assert "queue" in tables() and "127.20.0.3" in tables(), tables()
remove("11111111")
assert tables() == "", tables()
""")


def test_rules_of_others_are_left_as_they_were() -> None:
    run("""
call("iptables -t mangle -A INPUT -i lo -p tcp --dport 9 -j ACCEPT")
before = tables()
add("11111111")
remove("11111111")
assert tables() == before, tables()
""")


def test_a_table_that_was_there_is_left_although_it_is_empty() -> None:
    run("""
call("nft add table ip mangle")
add("11111111")
remove("11111111")
assert "table ip mangle" in tables() and "KUBELAB" not in tables(), tables()
""")


def test_a_rule_that_somebody_adds_meanwhile_stays() -> None:
    run("""
add("11111111")
call("iptables -t mangle -A INPUT -i lo -p tcp --dport 9 -j ACCEPT")
remove("11111111")
assert "dport 9" in tables() and "KUBELAB" not in tables(), tables()
""")


def test_of_two_experiments_whoever_ends_last_clears_up() -> None:
    run("""
add("11111111")
add("22222222")
remove("11111111")
assert "KUBELAB-abcdef-22222222" in tables() and "KUBELAB-abcdef-11111111" not in tables(), tables()
remove("22222222")
assert tables() == "", tables()
""")


def test_of_several_labs_one_is_cleared_of_all_its_rules() -> None:
    run("""
from kubelab.engine.chaos.network import drop_table, remove_rules

def lose(lab):
    table = drop_table(f"kubelab-chaos-{lab}-11111111", ["127.20.0.3"], 1.0, 500)
    subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)

for lab in ("aaaaaa", "bbbbbb"):
    lose(lab)
    for uid in ("11111111", "22222222"):
        asyncio.run(send_to_queue(chain_of(lab, uid), ["127.20.0.3"], 41_000))
asyncio.run(remove_rules("aaaaaa"))
assert "aaaaaa" not in tables() and tables().count("bbbbbb") >= 3, tables()
asyncio.run(remove_rules("bbbbbb"))
assert tables() == "", tables()
""")


def test_removing_what_is_not_there_does_nothing() -> None:
    run("""
remove("11111111")
assert tables() == "", tables()
""")


def test_two_queues_at_once_have_numbers_of_their_own() -> None:
    run("""
from random import Random
from kubelab.engine.chaos.packet_queue import PacketQueue

async def open_two():
    queues = [PacketQueue(0.1, 0.0, Random(0)) for _ in range(2)]
    numbers = {queue.number for queue in queues}
    for queue in queues:
        queue.close()
    assert len(numbers) == 2, numbers

asyncio.run(open_two())
""")
