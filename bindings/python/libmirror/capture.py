"""Reading packets from a capture file, or any other input."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Iterator, List, Optional, Tuple, Union

from .constants import LinkType
from .errors import EndOfInput
from .packets import Packet

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

    def __next__(self) -> Packet:
        while not self._packets:
            try:
                self._packets.extend(self._input.receive())
            except EndOfInput:
                raise StopIteration from None
        return self._packets.popleft()

    def __iter__(self) -> "Capture":
        return self

    def batches(self) -> Iterator[List[Packet]]:
        """The packets in lists, each as soon as there is one: what came together, or was read
        ahead."""
        for packet in self:
            ready = [packet, *self._packets]
            self._packets.clear()
            yield ready

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
        self._input.interrupt()

    def close(self) -> None:
        """Closes the file."""
        self._input.close()
        if self._own:
            self._context.close()

    def __enter__(self) -> "Capture":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
