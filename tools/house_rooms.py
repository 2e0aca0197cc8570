"""house_rooms — which rooms a room may see, as CMakeLists.txt says it."""
import re

ROOM = re.compile(r"^(?:room|program)\((\w+)([^)]*)\)", re.M)


def read(cmake):
    """{room: {"headers": rooms its headers may name, "sources": rooms its .c files may name}}, itself included.

    Nobody stands on a program: its headers are its own affair.
    """
    shows, keeps = {}, {}
    for name, rest in ROOM.findall(cmake.read_text()):
        words, into = rest.split(), None
        shows[name], keeps[name] = [], []
        for word in words:
            into = {"SHOWS": shows[name], "KEEPS": keeps[name]}.get(word, into)
            if word not in ("SHOWS", "KEEPS") and not word.startswith("out_"):
                into.append(word)
    programs = set(re.findall(r"^program\((\w+)", cmake.read_text(), re.M))
    seen = {}
    for name in shows:
        sources = _shown(name, shows).union(*(_shown(other, shows) for other in keeps[name]))
        seen[name] = {"headers": sources if name in programs else _shown(name, shows), "sources": sources}
    return seen


def _shown(name, shows):
    """The room, what it shows, and what these show."""
    return {name}.union(*(_shown(other, shows) for other in shows.get(name, [])))
