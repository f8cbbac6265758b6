"""Print the n-th command of the README: the n-th block that is marked as bash.

python tools/readme_command.py 1
"""

import re
import sys
from pathlib import Path


def main() -> None:
    """Print the command whose number is the only argument."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    print(blocks[int(sys.argv[1]) - 1].strip())


if __name__ == "__main__":
    main()
