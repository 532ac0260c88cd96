"""Single changes of the code, tried against the tests that reach them: do the tests notice?

An own runner of some 500 lines. mutmut copies the code behind a switch for every mutant, which
numba cannot compile and which the layers, docstring and export tests refuse; cosmic-ray runs one
command, the whole suite, for each mutant (ten minutes here), and neither draws a sample with a seed
or chooses tests by what they execute. The suite is traced once; a mutant then costs seconds.
"""
