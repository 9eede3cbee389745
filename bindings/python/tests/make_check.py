"""make_check.py: writes a C program that proves the declaration table.

It compiles only if the table declares every function, callback and field exactly as the headers
do; run, it prints sizes, offsets and constants, one a line, for comparison with ctypes.
"""

from typing import Iterator, List

from libmirror import _abi
from libmirror._declare import Prototype, Variable, prototypes, structs
from libmirror.constants import declared_constants

HEAD = """\
#include <libmirror/libmirror.h>
#include <stddef.h>
#include <stdio.h>

#define SAME(a, b) _Static_assert(__builtin_types_compatible_p(a, b), #a " is not " #b)
#define FIELD(type, field) __typeof__(((type *)0)->field)
"""


def parameters(function: Prototype) -> str:
    """Between the parentheses of a declaration."""
    listed = [f"{each.type} {each.name}" for each in function.parameters]
    return ", ".join(listed) or "void"


def callbacks() -> Iterator[str]:
    """A type for each callback, and a check for those that have a name in the headers."""
    for each in prototypes(_abi.CALLBACKS):
        result = each.result.type
        yield f"typedef {result} (*check_{each.name})({parameters(each)});"
        if each.name.startswith("mirror_"):
            yield f"SAME(check_{each.name}, {each.name});"


def functions() -> Iterator[str]:
    """Every function declared again: another type is an error."""
    for each in prototypes(_abi.FUNCTIONS):
        yield f"{each.result.type} {each.name}({parameters(each)});"


def field_type(field: Variable) -> str:
    """The type of a field, where slots have the types made by `callbacks`."""
    name = f"check_{field.type}" if field.type.startswith("slot_") else field.type
    return f"{name}[{field.array}]" if field.array else name


def field_checks() -> Iterator[str]:
    """The type of each field."""
    for struct in structs():
        for field in struct.fields:
            yield f"SAME(FIELD({struct.name}, {field.name}), {field_type(field)});"


def prints() -> Iterator[str]:
    """What is to be compared at run time."""
    for struct in structs():
        yield f'  printf("{struct.name} %zu\\n", sizeof({struct.name}));'
        for field in struct.fields:
            where = f"{struct.name}.{field.name}"
            offset = f"offsetof({struct.name}, {field.name})"
            size = f"sizeof(FIELD({struct.name}, {field.name}))"
            yield f'  printf("{where} %zu %zu\\n", {offset}, {size});'
    for name, _ in declared_constants():
        yield f'  printf("{name} %lld\\n", (long long){name});'


def program() -> str:
    """The whole program."""
    parts: List[str] = [HEAD, *callbacks(), *functions(), *field_checks()]
    return "\n".join([*parts, "int main(void) {", *prints(), "  return 0;", "}", ""])


if __name__ == "__main__":
    print(program(), end="")
