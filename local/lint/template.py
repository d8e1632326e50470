"""One template as the rules see it: functions, their URLs and permissions, distributions with origins and behaviors."""

from __future__ import annotations

from dataclasses import dataclass

from local.lint.document import Document
from local.lint.edge import Behavior, Origin, read_behaviors, read_origins
from local.lint.functions import Function, FunctionUrl, Permission, read_functions, read_permissions, read_urls


@dataclass(frozen=True, slots=True)
class Template:
    """All that the rules ask for; everything else is in *document*."""

    document: Document
    functions: tuple[Function, ...]
    urls: tuple[FunctionUrl, ...]
    permissions: tuple[Permission, ...]
    origins: tuple[Origin, ...]
    behaviors: tuple[Behavior, ...]


def read_template(document: Document) -> Template:
    """The template that *document* is."""
    functions = read_functions(document)
    urls = read_urls(document, functions)
    origins = read_origins(document, urls)
    return Template(document, functions, urls, read_permissions(document), origins, read_behaviors(document, origins))
