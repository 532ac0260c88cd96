"""The facts of one paper: the cohort of mini-hyper-CVD with inotuzumab."""
