"""The figures of alert-bench. One module a figure; each has NAMES (of its figures), a docstring that says what it shows, and
draw(result, options) -> matplotlib Figure. profile.py,
recording.py, trace.py, evaluation.py and result.py alone know file formats, style.py alone knows looks."""
