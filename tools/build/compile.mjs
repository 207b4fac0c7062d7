// Compile a folder for Python 3.13, whatever Python this machine has: `node compile.mjs FOLDER [PACKAGE]`.
// Pyodide is CPython in WebAssembly; bytecode depends on the version of CPython, not on the platform.
import { loadPyodide } from "pyodide";

const [root, only = ""] = process.argv.slice(2);
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
python.FS.mkdirTree("/bundle");
python.FS.mount(python.FS.filesystems.NODEFS, { root }, "/bundle");
python.globals.set("folder", `/bundle/${only}`);
const compiled = python.runPython(`
import compileall, sys
from py_compile import PycInvalidationMode
assert sys.version_info[:2] == (3, 13), sys.version
compileall.compile_dir(
    folder, quiet=1, stripdir="/bundle", invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
)
`);
process.exit(compiled ? 0 : 1);
