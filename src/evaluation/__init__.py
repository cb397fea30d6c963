"""How good a mask is: the figures (`metrics`) and the pictures that show them (`figures`). No torch here."""
