from kubelab.fnv import fnv32a


def test_the_hash_is_fnv_1a() -> None:
    # The vectors of draft-eastlake-fnv.
    assert fnv32a(b"") == 0x811C9DC5
    assert fnv32a(b"a") == 0xE40C292C
    assert fnv32a(b"foobar") == 0xBF9CF968
