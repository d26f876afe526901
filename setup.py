"""The part of the build that pyproject.toml cannot say: the inner loops, compiled where there is a compiler."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Tests run once on loops that look at every index; all else trusts the callers, who lay the arrays out.
CHECKED = bool(os.environ.get("GEO_KERNELS_CHECKED"))
REQUIRED = os.environ.get("GEO_COMPILED") == "required"
LOOPS = Extension(
    "_geo_kernels",
    ["kernels/_geo_kernels.pyx"],
    # An addition fused with a multiplication would round once where the arrays round twice.
    extra_compile_args=["-O3", "-ffp-contract=off"],
)


class WhereThereIsACompiler(build_ext):
    """Builds the loops if it can: without them the package takes its slower way, and no bit of an answer differs."""

    def run(self) -> None:
        """Build, or say why not."""
        try:
            super().run()
        except Exception as error:  # a missing compiler is an OSError, a lacking one an error of its own
            if REQUIRED:
                raise
            self.warn(f"no compiled loops, geo will be slower: {error}")


setup(
    cmdclass={"build_ext": WhereThereIsACompiler},
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
    ),
)
