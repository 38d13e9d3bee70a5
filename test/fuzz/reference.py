"""Answers questions of the fuzzer with BuildStream's own functions, many in one process."""
import os
import sys

from buildstream import _yaml, node as nodes
from buildstream._context import Context
from buildstream._exceptions import BstError
from buildstream._project import Project
from buildstream.element import Element

sys.path.append(os.path.join(os.path.dirname(__file__), "../oracle"))
from yaml_nodes import placed


def attempt(function):
    """What a function returns, or why it failed; reason None stands for a fault of BuildStream's own."""
    try:
        return {"value": function()}
    except BstError as error:
        reason = getattr(error.reason, "name", error.reason)
        domain = error.domain.name.lower()
        return {"error": [domain, reason and reason.lower().replace("_", "-"), str(error)]}
    except Exception as error:  # pylint: disable=broad-except
        return {"error": [None, None, repr(error)]}


def parse(path):
    return attempt(lambda: placed(_yaml.load(path, "x")))


def shown(project, target):
    (element,) = project.load_elements([target])
    return {
        "variables": dict(element._Element__variables),
        "environment": element._Element__environment,
        "config": element._Element__config.strip_node_info(),
        "public": element._Element__public.strip_node_info(),
    }


def compose(question):
    """What each target of a project is resolved to, each in a project of its own as failures leave things half done."""
    answers = []
    with Context(use_casd=False) as context:
        context.load(config=question["config"])
        context.messenger.set_message_handler(lambda message, is_silenced: None)
        project = None

        def load(target):
            nonlocal project
            if project is None:
                project = Project(
                    question["directory"],
                    context,
                    cli_options=question["options"],
                    search_for_project=False,
                    fetch_subprojects=lambda junctions: None,
                )
            return shown(project, target)

        for target in question["targets"]:
            answers.append(attempt(lambda target=target: load(target)))
            if "error" in answers[-1]:
                project = None
                Element._reset_load_state()
                nodes._reset_global_state()
    Element._reset_load_state()
    return answers
