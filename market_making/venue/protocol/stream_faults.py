"""What goes wrong with the messages of the streams on their way to one client."""

import asyncio
from weakref import WeakKeyDictionary

from market_making.venue.faults.effects import Cut, Double, Effect, Half, Late, Old, Reorder, Stranger
from market_making.venue.faults.fault import Occasion, Target
from market_making.venue.protocol.connection import Connection, Topic
from market_making.venue.protocol.fault_desk import FaultDesk
from market_making.venue.protocol.stamps import shifted_message

# A message that waits for the next one of its connection waits at most so long.
_LONGEST_WAIT_S = 2.0
_STRANGER = b"0x" + b"5a" * 20


class StreamFaults:
    """Sends the messages of the streams, or spoils them.

    Parameters
    ----------
    desk : FaultDesk
        Decides what goes wrong.
    """

    def __init__(self, desk: FaultDesk) -> None:
        self._desk = desk
        self._held: WeakKeyDictionary[Connection, list[bytes]] = WeakKeyDictionary()
        self._sound: WeakKeyDictionary[Connection, dict[Topic, bytes]] = WeakKeyDictionary()

    def send(self, connection: Connection, topic: Topic, text: bytes) -> None:
        """Send one message of a subscription."""
        if not self._desk.touches_streams:
            connection.send(text)
            return
        text = shifted_message(text, self._desk.offset_ms)
        coins = frozenset([topic.coin]) if topic.coin else frozenset[str]()
        struck = self._desk.strike(Occasion(Target.STREAM, topic.channel, topic.user, coins))
        if any(isinstance(fault.effect, Cut) for fault in struck):
            connection.abort()
            return
        messages = [text]
        for fault in struck:
            messages = self._bent(connection, topic, fault.effect, messages)
        if not struck:
            self._sound.setdefault(connection, {})[topic] = text
        if messages:
            self._send_all(connection, messages + self._held.pop(connection, []))

    def _bent(self, connection: Connection, topic: Topic, effect: Effect, messages: list[bytes]) -> list[bytes]:
        """What is left to be sent now."""
        match effect:
            case Double():
                return 2 * messages
            case Half():
                return [text[: len(text) // 2] for text in messages]
            case Old():
                return [self._sound.get(connection, {}).get(topic, text) for text in messages]
            case Stranger():
                return [text.replace(topic.user.encode(), _STRANGER) if topic.user else text for text in messages]
            case Late(seconds):
                asyncio.get_running_loop().call_later(seconds, self._send_all, connection, messages)
            case Reorder():
                self._hold(connection, messages)
        return []

    def _hold(self, connection: Connection, messages: list[bytes]) -> None:
        self._held.setdefault(connection, []).extend(messages)
        asyncio.get_running_loop().call_later(_LONGEST_WAIT_S, self._release, connection)

    def _release(self, connection: Connection) -> None:
        self._send_all(connection, self._held.pop(connection, []))

    def _send_all(self, connection: Connection, messages: list[bytes]) -> None:
        for message in messages:
            connection.send(message)
