"""The commands of `hawser`: what each stage needs from the terminal and gives back to it."""
