"""Agents whose reports could not be taken come again, after growing pauses."""

from fleet.gateway.put_off import PutOff


def test_the_pauses_grow_to_a_minute_and_begin_anew_when_it_went_well():
    now = [0.0]
    put_off = PutOff(lambda: now[0])
    pauses = []
    for _ in range(8):
        put_off.again("a")
        begun = now[0]
        while not put_off.due():
            now[0] += 1.0
        pauses.append(now[0] - begun)
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    put_off.again("a")
    put_off.taken("a")
    now[0] += 100
    assert put_off.due() == []
    put_off.again("a")
    now[0] += 2
    assert put_off.due() == ["a"]


def test_who_says_more_meanwhile_does_not_move_the_moment():
    now = [0.0]
    put_off = PutOff(lambda: now[0])
    put_off.again("a")
    now[0] = 1.0
    put_off.again("a")
    now[0] = 2.0
    assert put_off.due() == ["a"]
    assert put_off.due() == []
