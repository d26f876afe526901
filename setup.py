"""The part of the build that pyproject.toml cannot say: the inner loops, compiled where there is a compiler."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

# Tests run once on loops that look at every index; all else trusts the callers, who lay the arrays out.
CHECKED = bool(os.environ.get("GEO_KERNELS_CHECKED"))
LOOPS = Extension(
    "_geo_kernels",
    ["kernels/_geo_kernels.pyx"],
    # An addition fused with a multiplication would round once where the arrays round twice.
    extra_compile_args=["-O3", "-ffp-contract=off"],
    # Without a compiler the package installs all the same and takes its slower way; no bit of an answer differs.
    optional=True,
)

setup(
    ext_modules=cythonize(
        [LOOPS],
        force=True,
        compiler_directives={
            "language_level": 3,
            "boundscheck": CHECKED,
            "initializedcheck": CHECKED,
            "wraparound": False,
            "cdivision": True,
        },
    )
)
