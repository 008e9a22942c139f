"""What is known of holes in the packages of a requirements file, and what could not be asked.

    python wheels/audit.py .venv-wheels/bin/pip-audit target/extras.txt

A hole ends it with 1, and so does what goes wrong; but a database that can not be reached from here
is said and no failure, and never taken for packages without a hole.
"""

import json
import subprocess
import sys

UNREACHABLE = "the database of holes in Python packages can not be reached from here"

tool, requirements = sys.argv[1:]
done = subprocess.run(
    [tool, "--no-deps", "--disable-pip", "--format", "json", "--requirement", requirements],
    capture_output=True,
    text=True,
    timeout=300,
    check=False,
)
if not done.stdout.strip():
    last = done.stderr.strip().rpartition("\n")[2]
    if "ConnectionError" in last or "Timeout" in last:
        print(f"{UNREACHABLE}: not checked")
        sys.exit(0)
    sys.exit(done.stderr)
packages = json.loads(done.stdout)["dependencies"]
unasked = [package["name"] for package in packages if "skip_reason" in package]
holes = [(package, hole) for package in packages for hole in package.get("vulns", [])]
for package, hole in holes:
    mended = ", ".join(hole["fix_versions"]) or "no version yet"
    print(f"{package['name']} {package['version']}: {hole['id']}, mended in {mended}")
if unasked:
    print(f"{UNREACHABLE}: not checked: {', '.join(unasked)}")
checked = len(packages) - len(unasked)
if checked:
    print(f"{checked} packages checked, {len(holes)} holes")
sys.exit(1 if holes or done.returncode else 0)
