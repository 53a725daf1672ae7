#!/usr/bin/env python3
"""Holds every #include to the module graph declared with simpul_module(DEPENDS ...)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
# A third-party header, or a clock, may appear only in the folders named here.
CONFINED = {
    r"<uv\.h>": {"net"},
    r"<openssl/": {"crypto", "dtls"},
    r"<intel-ipsec-mb\.h>": {"crypto"},
    r"<boost/": {"control"},
    r"<nlohmann/": {"control"},
    r"<toml\+\+": {"config"},
    r"<CLI/": {"daemon"},
    r"<systemd/": {"daemon"},
    r"<spdlog/": {"base"},
    r"<sys/socket\.h>|<netinet/": {"net"},
    r"_clock::now\(|clock_gettime": {"net"},
    r"std::atomic": {"net", "node", "base"},
    r"std::(mutex|shared_ptr)": {"node", "base"},
}


def declared_graph():
    graph = {}
    for path in ROOT.glob("*/CMakeLists.txt"):
        call = re.search(r"simpul_module\((\w+)(.*?)\)", path.read_text(), re.S)
        if call:
            depends = re.search(r"DEPENDS((?:\s+[a-z]\w*)+)", call[2])
            graph[call[1]] = set(depends[1].split()) if depends else set()
    return graph


def has_cycle(graph, module, path=()):
    return module in path or any(has_cycle(graph, d, (*path, module)) for d in graph.get(module, ()))


def problems():
    graph = declared_graph()
    for module in graph:
        if has_cycle(graph, module):
            yield f"{module}: in a dependency cycle"
        if not (ROOT / module / "README.md").exists():
            yield f"{module}: no README.md"
        for file in sorted((ROOT / module).rglob("*.[hc]*")):
            text = file.read_text()
            for included in re.findall(r'#include "(\w+)/', text):
                if included in graph and included not in graph[module] | {module, "base"}:
                    yield f"{file}: {module} may not include {included}"
            for pattern, allowed in CONFINED.items():
                if re.search(pattern, text) and module not in allowed:
                    yield f"{file}: {pattern} is confined to {sorted(allowed)}"


found = list(problems())
print("\n".join(found) or "architecture: ok")
sys.exit(bool(found))
