"""The bench's book: it finds what is lost and what comes twice, by ids and by numbers."""

from hubctl.bench.ledger import Lasting, Ledger
from hubctl.load.wire import Event, Heard, Part, Piece

ROOM = "room"
MS = 1_000_000


def said(message_id: str, channel_seq: int, channel_id: str = ROOM) -> Heard:
    return Heard(Event("channel.message", message=Part(id=message_id)), channel_seq, channel_seq, channel_id)


def piece(*events: Heard) -> Piece:
    return Piece(events)


def book(readers: int = 2) -> Ledger:
    ledger = Ledger(ROOM, readers)
    ledger.counting = True
    return ledger


def post(ledger: Ledger, *message_ids: str) -> None:
    for message_id in message_ids:
        ledger.message_leaves(message_id, 0)
        ledger.message_answered(message_id, 2 * MS)


def test_all_is_well_when_every_reader_has_everything_once() -> None:
    ledger = book()
    post(ledger, "a", "b")
    ledger.hear(0, piece(said("a", 7), said("b", 8)), 5 * MS)
    ledger.hear(1, piece(said("a", 7), said("b", 8)), 6 * MS)
    assert (ledger.lost, ledger.twice, ledger.under_way, ledger.deliveries) == (0, 0, 0, 4)
    assert (ledger.post.total, ledger.delivery.total) == (2, 4)


def test_what_never_comes_is_lost() -> None:
    ledger = book()
    post(ledger, "a", "b")
    ledger.hear(0, piece(said("a", 1), said("b", 2)), MS)
    ledger.hear(1, piece(said("a", 1)), MS)
    assert (ledger.lost, ledger.twice) == (1, 0)


def test_a_gap_is_a_loss_even_when_the_message_was_never_acknowledged() -> None:
    ledger = book(1)
    post(ledger, "a", "c")
    ledger.hear(0, piece(said("a", 1), said("c", 3)), MS)
    assert (ledger.lost, ledger.under_way) == (1, 0)


def test_twice_for_one_does_not_make_up_for_none_for_another() -> None:
    ledger = book()
    post(ledger, "a")
    ledger.hear(0, piece(said("a", 1), said("a", 1)), MS)
    assert (ledger.lost, ledger.twice) == (1, 1)


def test_an_answer_may_come_after_the_deliveries() -> None:
    ledger = book(1)
    ledger.message_leaves("a", 0)
    ledger.hear(0, piece(said("a", 1)), MS)
    assert ledger.under_way == 1
    ledger.message_answered("a", 2 * MS)
    assert (ledger.under_way, ledger.lost) == (0, 0)


def test_other_channels_and_failed_posts_do_not_count() -> None:
    ledger = book(1)
    ledger.message_leaves("a", 0)
    ledger.message_refused("a")
    ledger.hear(0, piece(said("x", 9, "elsewhere")), MS)
    assert (ledger.lost, ledger.refused, ledger.deliveries) == (0, 1, 0)


def test_presence_and_typing_are_known_again() -> None:
    ledger = book(1)
    ledger.lasting = Lasting("first", 0)
    ledger.mood_leaves("mood 1", 0)
    ledger.typing_leaves("second", 0, started=True)
    mood = Event("channel.presence", presence=Part(custom_status="mood 1"))
    typing = Event("channel.typing", agent_id="second", started=True)
    over = Event("channel.typing", agent_id="first", started=False)
    ledger.hear(0, piece(*(Heard(event, channel_id=ROOM) for event in (mood, typing, mood))), 3 * MS)
    assert (ledger.presence.total, ledger.typing.total) == (1, 1)
    ledger.hear(0, piece(Heard(over, channel_id=ROOM)), 10_250 * MS)
    assert ledger.lasting.error_s == 0.25
