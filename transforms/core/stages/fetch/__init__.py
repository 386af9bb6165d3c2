"""Downloaded images: where from, what answers are taken for, and what is written of them."""
