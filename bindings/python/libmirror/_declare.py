"""From the declaration table (`_abi`) to ctypes: structures, callback types and prototypes."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple

from . import _abi

_NUMBERS: Dict[str, Any] = {
    "char": ctypes.c_char,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "int32_t": ctypes.c_int32,
    "uint64_t": ctypes.c_uint64,
    "int64_t": ctypes.c_int64,
}


class Variable(NamedTuple):
    """A field or parameter: `const uint8_t *data`, or `char field[64]`."""

    name: str
    type: str  # as in the table, without the array
    base: str  # without const and stars
    pointers: int
    array: int  # elements, 0 if it is none


class Prototype(NamedTuple):
    """A function, or the type of one."""

    name: str
    result: Variable
    parameters: List[Variable]


class Struct(NamedTuple):
    name: str
    fields: List[Variable]


def _variable(text: str) -> Variable:
    match = re.fullmatch(r"(?P<type>.*?)(?P<name>\w+)(\[(?P<array>\d+)\])?", text.strip())
    if not match:
        raise ValueError(f"no declaration: {text}")
    declared = match["type"].strip()
    base = re.sub(r"\bconst\b|\*", "", declared).strip()
    return Variable(match["name"], declared, base, declared.count("*"), int(match["array"] or 0))


def _prototype(text: str) -> Prototype:
    head, parameters = text.rstrip(")").split("(")
    listed = [] if parameters == "void" else [_variable(each) for each in parameters.split(",")]
    result = _variable(head)
    return Prototype(result.name, result, listed)


def _statements(text: str) -> List[str]:
    return [" ".join(each.split()) for each in text.split(";") if each.strip()]


def prototypes(text: str) -> List[Prototype]:
    """The declarations of functions in a part of the table."""
    return [_prototype(each) for each in _statements(text)]


def structs() -> List[Struct]:
    """The structs of the table."""
    found = re.findall(r"struct (\w+) \{(.*?)\}", _abi.STRUCTS, re.DOTALL)
    return [Struct(name, [_variable(each) for each in _statements(body)]) for name, body in found]


@dataclass
class Declarations:
    """The table as ctypes."""

    types: Dict[str, Any]  # structures, and handles as structures without fields
    callbacks: Dict[str, Any]
    functions: Dict[str, Any]  # name: (restype, argtypes)

    def ctype(self, variable: Variable) -> Any:
        """The ctypes type of a field or parameter."""
        one = self._one(variable.base, variable.pointers, "const" in variable.type)
        return one * variable.array if variable.array else one

    def _one(self, base: str, pointers: int, const: bool) -> Any:
        if pointers == 0:
            return None if base == "void" else self._plain(base)
        if base in ("void", "uint8_t", "char") and pointers == 1:
            return ctypes.c_char_p if base == "char" and const else ctypes.c_void_p
        if base in ("mirror_key4", "mirror_key6"):  # arrays of addresses, made by `Keys`
            return ctypes.c_void_p
        return ctypes.POINTER(self._one(base, pointers - 1, const))

    def _plain(self, base: str) -> Any:
        for known in (_NUMBERS, self.types, self.callbacks):
            if base in known:
                return known[base]
        raise KeyError(f"the declaration table does not know {base}")


def _add_callbacks(to: Declarations) -> None:
    for each in prototypes(_abi.CALLBACKS):
        arguments = [to.ctype(parameter) for parameter in each.parameters]
        to.callbacks[each.name] = ctypes.CFUNCTYPE(to.ctype(each.result), *arguments)


def _add_functions(to: Declarations) -> None:
    for each in prototypes(_abi.FUNCTIONS):
        arguments = [to.ctype(parameter) for parameter in each.parameters]
        to.functions[each.name] = (to.ctype(each.result), arguments)


def declarations() -> Declarations:
    """Reads the whole table."""
    names = [*_abi.HANDLES, *(each.name for each in structs())]
    result = Declarations({name: type(name, (ctypes.Structure,), {}) for name in names}, {}, {})
    _add_callbacks(result)
    for each in structs():
        result.types[each.name]._fields_ = [(f.name, result.ctype(f)) for f in each.fields]
    _add_functions(result)
    return result
