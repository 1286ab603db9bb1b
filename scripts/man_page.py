#!/usr/bin/python3
"""Writes the manual page of alert-bench from the program's own --help output: `man_page.py PROGRAM OUTPUT`."""
import json
import re
import subprocess
import sys


def said(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def verbatim(text):
    lines = text.rstrip().replace("\\", "\\e").replace("-", "\\-").split("\n")
    return ".nf\n" + "\n".join("\\&" + line for line in lines) + "\n.fi\n"


def main():
    program, output = sys.argv[1:]
    version = json.loads(said(program, "--version"))["version"]
    usage = said(program, "--help")
    commands = re.findall(r"^  ([a-z-]+) ", usage.split("Subcommands:")[1], re.MULTILINE)
    page = [f'.TH ALERT-BENCH 1 "" "alert-bench {version}" "User Commands"\n',
            ".SH NAME\nalert\\-bench \\- benchmark of schedulers for energy\\- and deadline\\-aware DNN inference\n",
            ".SH SYNOPSIS\n.B alert\\-bench\n.I COMMAND\n[\n.I OPTION\n]...\n", ".SH DESCRIPTION\n", verbatim(usage)]
    for command in commands:
        page += [f".SH {command.upper()}\n", verbatim(said(program, command, "--help"))]
    with open(output, "w", encoding="utf-8") as f:
        f.writelines(page)


if __name__ == "__main__":
    main()
