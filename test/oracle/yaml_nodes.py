"""Reading YAML with BuildStream, for tests that compare what it gives."""
import os
import tempfile

from buildstream import _yaml

_directory = tempfile.mkdtemp()


def read(text, name):
    """The node of a text, as of a file of that name."""
    path = os.path.join(_directory, name)
    with open(path, "w") as file:
        file.write(text)
    return _yaml.load(path, name)


def placed(node):
    """A node with its places, as [line, column, content]."""
    place = node.get_provenance()
    if hasattr(node, "as_str"):
        content = node.as_str()
    elif hasattr(node, "items"):
        content = [[key, placed(value)] for key, value in node.items()]
    else:
        content = [placed(item) for item in node]
    return [place._line, place._col, content]
