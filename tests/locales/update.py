"""Bring the catalogues up to date: `python -m tests.locales.update` adds new texts to the `.po` files, removes old
ones, and compiles the `.mo` files. It says how many texts have no translation yet.
"""

from tests.locales import catalogue


def main() -> None:
    """Write all catalogues."""
    for code in catalogue.CODES:
        merged = catalogue.merge(code)
        catalogue.path_of(code, "po").parent.mkdir(parents=True, exist_ok=True)
        catalogue.path_of(code, "po").write_bytes(catalogue.make_po(merged))
        catalogue.path_of(code, "mo").write_bytes(catalogue.make_mo(merged))
        entries = catalogue.messages(merged)
        missing = [entry for entry in entries if not entry.string or "" in tuple(entry.string)]
        print(f"{code}: {len(entries)} texts, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
