"""The one door to torch-geometric, which warns about its own use of torch while it loads."""

import contextlib
import warnings
from collections.abc import Iterator

import torch

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    from torch_geometric.data import HeteroData
    from torch_geometric.nn import MessagePassing
    from torch_geometric.utils import spmm

__all__ = ["HeteroData", "MessagePassing", "csr", "one_thread", "spmm"]

# The indices are built here and correct by construction; torch asks to be told so.
torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]


def csr(index: torch.Tensor, values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A sparse matrix in CSR form from (row, column) pairs (2, m), each pair once. O(m log m)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        return torch.sparse_coo_tensor(index, values, size).coalesce().to_sparse_csr()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: its tensors here are small, and sums come out the same anywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
