"""Reading packets from a capture file, or any other input."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Iterator, Optional, Tuple, Union

from .constants import Direction, LinkType
from .errors import CaptureError, EndOfInput
from .packets import Packet
from .tap import Tap

if TYPE_CHECKING:
    from .context import Context


class Capture(Iterator[Packet]):
    """Iterates over the packets of a capture file or another input.

    `uri` is a path, or a URI such as "pcap:-". `context` is needed only for backends that were
    registered there; `argument` is the backend's.
    """

    def __init__(
        self, uri: str, *, context: "Optional[Context]" = None, argument: Any = None
    ) -> None:
        from .context import Context  # a context can open captures, and this one needs a context

        self._context = context or Context()
        self._own = context is None
        scheme = uri.split(":", 1)[0]
        known = ":" in uri and scheme in self._context.backends
        self._input = self._context.open_input(uri if known else f"pcap:{uri}", argument)
        self._packets: Deque[Packet] = deque()
        self._output = self._context.memory_output(0, 0)  # stays empty: no packet has a source
        try:
            self._tap = self._open_tap(Direction.AUTO)
        except CaptureError:  # frames without MAC addresses
            self._tap = self._open_tap(Direction.INGRESS)

    def _open_tap(self, direction: Direction) -> Tap:
        """A tap that keeps packets. What it makes of a packet without direction is undone."""
        keep = self._packets.append

        def on_packet(packet: Packet, verdict: Any) -> None:
            keep(packet._replace(direction=None) if packet.direction == direction else packet)

        return self._context.tap(
            self._input, self._output, direction=direction, on_packet=on_packet
        )

    def __next__(self) -> Packet:
        while not self._packets:
            try:
                self._tap.step()
            except EndOfInput:
                raise StopIteration from None
        return self._packets.popleft()

    def __iter__(self) -> "Capture":
        return self

    @property
    def link_type(self) -> Optional[LinkType]:
        """Of the packets to come; None: unknown."""
        return self._input.link_type

    @property
    def progress(self) -> Optional[Tuple[int, int]]:
        """Octets read, and in the file; None: unknown."""
        return self._input.progress

    def interrupt(self) -> None:
        """Makes the iteration, if it waits, raise Interrupted. Any thread."""
        self._tap.interrupt()

    def close(self) -> None:
        """Closes the file."""
        for each in (self._tap, self._output, self._input):
            each.close()
        if self._own:
            self._context.close()

    def __enter__(self) -> "Capture":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
