"""`python -m taillog_conformance` is the command `taillog`."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="taillog")
