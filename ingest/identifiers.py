"""The numbers in what lists say of identifiers: `Tax ID No. 410211742522406 (China)`."""

import polars as pl

#: What may follow the number: where and when it was issued, what else was written down.
_AFTER = r"""(?i)\s*(\([^()]*\)|issued\b.*|expires\b.*|,\s*\(?doc\b.*|[.,;:"'])\s*$"""

#: The last words of a text, all with a digit in them.
_NUMBER = r"((?:[0-9A-Za-z./-]*[0-9][0-9A-Za-z./-]*\s*)+)$"

#: A number of this length or more says by itself what it identifies. A shorter one does only in the
#: country that gave it: a Russian tax number has the form of a Chinese customs code.
_TELLING = 11
_HOME = "(China)"


def with_numbers(identifiers: str) -> pl.Expr:
    """The texts of a list column, each as it is, and after them the bare numbers they hold.

    A bare number is compact (upper case, without spaces, dots and hyphens), as `graph.values`
    gives codes, so that it equals the code of an enterprise. Left out are numbers of fewer than 11
    characters that China did not issue.
    """
    text = pl.element()
    bare = text.str.replace(_AFTER, "").str.replace(_AFTER, "").str.replace(_AFTER, "")
    number = bare.str.extract(_NUMBER).str.to_uppercase().str.replace_all(r"[\s.\-]", "")
    home = text.str.contains(_HOME, literal=True)
    telling = (number.str.len_chars() >= _TELLING) | home
    numbers = pl.col(identifiers).list.eval(pl.when(telling).then(number)).list.drop_nulls()
    return pl.concat_list(identifiers, numbers).list.unique(maintain_order=True).alias(identifiers)
