"""The memory of Python objects as addresses, without copying it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_SIMPLE, _WRITABLE = 0, 1  # PyBUF_: contiguous octets


class _PyBuffer(ctypes.Structure):
    """CPython's Py_buffer."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_get: Any = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
_get.restype = ctypes.c_int
_release: Any = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = [ctypes.POINTER(_PyBuffer)]
_release.restype = None


class Pinned:
    """The memory of an object that has any: it stays where it is as long as this object lives."""

    __slots__ = ("_held", "_view", "address", "length")

    def __init__(self, data: "ReadableBuffer") -> None:
        self._acquire(data, _SIMPLE)

    def _acquire(self, data: Any, how: int) -> None:
        self._held = False
        self._view = _PyBuffer()
        _get(data, ctypes.byref(self._view), how)
        self._held = True
        self.address: int = self._view.buf or 0
        self.length: int = self._view.len

    def __del__(self) -> None:
        if self._held:
            self._held = False
            _release(ctypes.byref(self._view))


class PinnedWritable(Pinned):
    """The same for memory that the library writes to."""

    __slots__ = ()

    def __init__(self, data: "WriteableBuffer") -> None:
        self._acquire(data, _WRITABLE)
