"""python -m dsar"""

from dsar.cli import main

if __name__ == "__main__":
    main()
