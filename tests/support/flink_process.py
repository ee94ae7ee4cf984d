# SPDX-License-Identifier: Apache-2.0
"""A running Flink, of one process that does what it is told, a work at a time (tests/flink/src/Judge.java)."""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, "tests", "flink")
BUILD = os.path.join(TOP, "build", "flink")
OPEN_PACKAGES = ["java.base/java.lang", "java.base/java.util", "java.base/java.time"]


def version():
    with open(os.path.join(HERE, "pom.xml"), encoding="utf-8") as file:
        return re.search(r"<flink.version>(.*)</flink.version>", file.read())[1]


def build():
    """Compiles the Java side; the first time, Maven fetches Flink (about 50 files, 150 MB)."""
    classpath = os.path.join(BUILD, "classpath")
    goals = ["compile"] + ([] if os.path.exists(classpath) and os.path.getmtime(classpath) >
                           os.path.getmtime(os.path.join(HERE, "pom.xml")) else
                           ["dependency:build-classpath", "-Dmdep.outputFile=" + classpath])
    answer = subprocess.run(["mvn", "-B", "-q", "-f", os.path.join(HERE, "pom.xml"), *goals], encoding="utf-8",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if answer.returncode != 0:
        sys.exit("tests/flink: Maven fails:\n" + answer.stdout)
    with open(classpath, encoding="utf-8") as file:
        return os.path.join(BUILD, "classes") + ":" + file.read().strip()


class Flink:
    """The process; `folder` is a directory of its own for scripts and answers."""

    def __enter__(self):
        command = ["java", *["--add-opens=" + package + "=ALL-UNNAMED" for package in OPEN_PACKAGES], "-XX:TieredStopAtLevel=1",
                   "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8", "-cp", build(), "Judge"]
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()
        self.temporary.cleanup()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def do(self, *fields):
        """One work (Judge.java); what it answers."""
        answer = os.path.join(self.folder, "answer")
        self.process.stdin.write("\t".join((*fields, answer)) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            sys.exit("tests/flink: Flink ends at " + " ".join(fields))
        with open(answer, encoding="utf-8") as file:
            return file.read()

    def expressions(self, setup, texts, a_job=100):
        """{expression: answer} over the table `inputs` that a script makes."""
        if not texts:
            return {}
        answer = self.do("expressions", self.write("setup.sql", setup), self.write("texts", "".join(t + "\n" for t in texts)),
                         str(a_job))
        return dict(zip(texts, answer.split("\n")))

    def queries(self, mode, setup, texts):
        """{query: [its columns or an error, row, ..]} over the tables that a script makes."""
        answer = self.do("queries", mode, self.write("setup.sql", setup), self.write("texts", "".join(t + "\n" for t in texts)))
        blocks = answer.split("\n\n") if texts else []
        return {text: block.strip("\n").split("\n") for text, block in zip(texts, blocks)}
