"""Tests of the documentation: links lead somewhere, commands exist and run, options, keys and fields are described.

    ALERT_BENCH=build/bin/alert-bench python3 -m unittest discover -s tests/python -p test_docs.py

Commands are read from ```sh and ```console blocks (of the latter the lines that begin with "$ "). Words in capitals (DIR,
NETWORKS.json) stand for what the reader has: such a command is checked, not run.
"""

import functools
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BENCH = os.path.abspath(os.environ["ALERT_BENCH"]) if os.environ.get("ALERT_BENCH") else None
PAGES = ["README.md", "ARTIFACT.md", "CONTRIBUTING.md", "SECURITY.md"] + sorted(
    os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md")))
MAX_README_LINES = 150

BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PLACEHOLDER = re.compile(r"(?<![A-Za-z$\-])[A-Z]{2,}|^[A-Z]$|[<>]")
SEPARATORS = {"&&", "||", ";", "|", "&"}
RUN_AS_THEY_ARE = {"list", "doctor", "validate", "report", "compare"}
MAY_FIND_DIFFERENCES = {"doctor": (0, 3), "compare": (0, 5)}  # exit codes that are no mistake of the page


@functools.lru_cache(maxsize=None)
def text_of(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as f:
        return f.read()


def prose_of(page):
    """The page without code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^    .*$", "", BLOCK.sub("", text_of(page)), flags=re.M))


def anchors_of(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text_of(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def commands_of(page):
    """Every command of the page as a list of words; redirections and assignments before it are left out."""
    for language, block in BLOCK.findall(text_of(page)):
        if language not in ("sh", "console"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            if language == "console":
                if not line.startswith("$ "):
                    continue
                line = line[2:]
            lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
            lexer.whitespace_split = True
            command = []
            for word in [*lexer, ";"]:
                if word not in SEPARATORS:
                    command.append(word)
                    continue
                while command and (re.match(r"\w+=", command[0]) or command[0] in ("sudo", "do")):
                    del command[0]
                if command:
                    yield command
                command = []


def calls_of(program):
    """(page, arguments) of every call of a program of ours."""
    return [(page, c[1:]) for page in PAGES for c in commands_of(page) if os.path.basename(c[0]) == program]


@functools.lru_cache(maxsize=None)
def help_of(program, *subcommands):
    return subprocess.run([program, *subcommands, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout


def options_of(program, *subcommands):
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z][a-z-]*)", help_of(program, *subcommands), re.M))


def subcommands_of(*parents):
    listed = help_of(BENCH, *parents).partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  (\w[\w-]*)", listed, re.M)


def keys_of(schema):
    """The names of all properties in a JSON schema."""
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})).union(*map(keys_of, schema.values()))


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in LINK.findall(prose_of(page)):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                with self.subTest(page=page, target=target):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, path)), "no such file")
                    if anchor:
                        self.assertIn(anchor, anchors_of(path))

    def test_readme_is_short_and_says_how_to_test(self):
        self.assertLess(len(text_of("README.md").splitlines()), MAX_README_LINES)
        self.assertIn(["scripts/test.sh"], list(commands_of("README.md")))

    def test_readme_links_to_every_page(self):
        links = LINK.findall(text_of("README.md"))
        self.assertEqual([p for p in PAGES if p not in links and p != "README.md"], [])

    def test_scripts_exist_and_are_executable(self):
        for page in PAGES:
            scripts = {c[0] for c in commands_of(page)} | set(re.findall(r"\bscripts/[\w-]+\.(?:sh|py|sbatch)", text_of(page)))
            for script in sorted(s for s in scripts if s.startswith("scripts/")):
                with self.subTest(page=page, script=script):
                    self.assertTrue(os.access(os.path.join(ROOT, script), os.X_OK))

    def test_keys_and_fields_are_described(self):
        for schema, pages in (("scenarios/scenario.schema.json", ("docs/scenarios.md", "docs/power.md")),
                              ("lib/trace/trace.schema.json", ("docs/file-formats.md",))):
            text = "".join(map(text_of, pages))
            code = " ".join(re.findall(r"`([^`\n]+)`", text))
            named = set(re.findall(r"[$\w]+", code) + re.findall(r"[\w-]+", code))
            with self.subTest(schema):
                self.assertEqual(sorted(keys_of(json.loads(text_of(schema))) - named), [])

    def test_layout_says_what_depends_on_what(self):
        rows = re.findall(r"^\| `lib/(\w+)` \|.*\| ([\w, ]*)\|$", text_of("docs/layout.md"), re.M)
        said = {folder: set(re.findall(r"\w+", needs)) for folder, needs in rows}
        found = {os.path.basename(os.path.dirname(f)): set() for f in glob.glob(os.path.join(ROOT, "lib", "*", "*.h"))}
        for path in glob.glob(os.path.join(ROOT, "lib", "**", "*.*"), recursive=True):
            folder = os.path.relpath(path, os.path.join(ROOT, "lib")).split(os.sep)[0]
            with open(path, encoding="utf-8") as f:
                found[folder] |= set(re.findall(r'^#include "(\w+)/', f.read(), re.M)) - {folder}
        self.assertEqual(said, found)


@unittest.skipUnless(BENCH, "ALERT_BENCH does not name the program")
class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.copy = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.copy.cleanup)
        # What commands may change is copied, the rest is linked.
        for name in os.listdir(ROOT):
            if name not in ("results", "build", ".git"):
                os.symlink(os.path.join(ROOT, name), os.path.join(cls.copy.name, name))
        results = os.path.join(cls.copy.name, "results")
        os.mkdir(results)
        reference = os.path.join(ROOT, "results", "reference")
        os.symlink(reference, os.path.join(results, "reference"))
        # The results and the sweep file that the examples speak of.
        shutil.copytree(os.path.join(reference, "quickstart"), os.path.join(results, "quickstart"))
        os.symlink(os.path.join(reference, "recordings", "fashion-mnist-compute-2-seed1"), os.path.join(results, "quickstart", "recording"))
        os.symlink(os.path.join(reference, "recordings"), os.path.join(cls.copy.name, "recordings"))
        shutil.copy(os.path.join(reference, "sweep.json"), os.path.join(cls.copy.name, "mine.json"))

    def call(self, arguments, codes=(0,)):
        done = subprocess.run([BENCH, *arguments], cwd=self.copy.name, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL)
        self.assertIn(done.returncode, codes, done.stderr)

    def path_of(self, arguments):
        """The subcommands in front of the arguments."""
        path = []
        while len(path) < len(arguments) and arguments[len(path)] in subcommands_of(*path):
            path.append(arguments[len(path)])
        return path

    def test_subcommands_and_options_exist(self):
        calls = calls_of("alert-bench")
        self.assertGreater(len(calls), 40)
        for page, arguments in calls:
            with self.subTest(page=page, command=" ".join(arguments)):
                path = self.path_of(arguments)
                if not arguments[0].startswith("-"):
                    self.assertTrue(path, "no such subcommand")
                used = {a.partition("=")[0] for a in arguments if re.match(r"--[a-z]", a)}
                self.assertEqual(used - options_of(BENCH, *path), set())

    def test_commands_run(self):
        run = 0
        for page, arguments in {tuple(a): (page, a) for page, a in calls_of("alert-bench")}.values():
            command = arguments[0]
            if any(PLACEHOLDER.search(re.sub(r"^--[\w-]+=?", "", a)) for a in arguments):
                continue
            if "--help" not in arguments and "--version" not in arguments and command not in RUN_AS_THEY_ARE:
                if "--dry-run" not in options_of(BENCH, command):
                    continue
                arguments = [*arguments, *(["--dry-run"] if "--dry-run" not in arguments else [])]
            with self.subTest(page=page, command=" ".join(arguments)):
                self.call(arguments, MAY_FIND_DIFFERENCES.get(command, (0,)))
            run += 1
        self.assertGreater(run, 30)

    def test_commands_of_the_training_program(self):
        train = os.path.join(os.path.dirname(BENCH), "alert-train")
        if not os.path.exists(train):
            self.skipTest("alert-train is not built")
        text = "".join(map(text_of, PAGES))
        self.assertEqual([o for o in sorted(options_of(train)) if not re.search(re.escape(o) + r"(?![\w-])", text)], [])
        for page, arguments in calls_of("alert-train"):
            with self.subTest(page=page, command=" ".join(arguments)):
                self.assertEqual({a for a in arguments if re.match(r"--[a-z]", a)} - options_of(train), set())

    def test_every_subcommand_and_option_is_described(self):
        text = "".join(map(text_of, PAGES))

        def check(path):
            with self.subTest(" ".join(path)):
                named = [*options_of(BENCH, *path), *path]
                self.assertEqual([n for n in sorted(named) if not re.search(re.escape(n) + r"(?![\w-])", text)], [])
            for sub in subcommands_of(*path):
                check([*path, sub])

        check([])


if __name__ == "__main__":
    unittest.main()
