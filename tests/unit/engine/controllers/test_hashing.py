from kubelab.engine.controllers.hashing import safe_encode, template_hash


def test_letters_are_those_of_safe_encode_string() -> None:
    # "0" is byte 48, and 48 % 27 is 21.
    assert safe_encode("0123456789") == "456789bcdf"


def test_a_collision_changes_the_hash_and_key_order_does_not() -> None:
    one = template_hash({"a": 1, "b": 2}, None)
    assert template_hash({"b": 2, "a": 1}, None) == one
    assert template_hash({"a": 1, "b": 2}, 1) != one
