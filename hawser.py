"""The Python door for notebooks: open a data folder and ask it questions."""
