"""A finished network made trainable again, for runs that start from one.

On other labels than those it learnt, its outputs start anew: a data set's labels mean what its annotators meant, and on
LFWA new outputs over CelebA's layers were ahead of CelebA's outputs after as many passes.
"""

import torch
from torch import Tensor, nn

from facesearch.errors import FacesearchError
from facesearch.network.checkpoint import Checkpoint
from facesearch.network.mcnn import Mcnn, Normalisation, prepare


class StartError(FacesearchError, kinds=("start",)):
    """A run cannot start from this network."""


def trainable(checkpoint: Checkpoint, crops: Tensor, dropout: float, keep_outputs: bool = False) -> Mcnn:
    """The checkpoint's MCNN with batch normalisation after every layer again, and with new outputs or its own.

    crops: uint8 RGB [N, S, S, 3], plain crops of some hundred training faces. Raises StartError.
    """
    check_trainable(checkpoint)
    mcnn, _ = checkpoint.network()
    model = unfold(mcnn, prepare(crops, torch.from_numpy(checkpoint.mean)), dropout)
    if not keep_outputs:
        new = Mcnn(model.layout)
        model.out_weight, model.out_bias = new.out_weight, new.out_bias
    return model


def check_trainable(checkpoint: Checkpoint) -> None:
    """Raises StartError for a network that cannot be trained on."""
    found = checkpoint.metadata["normalisation"]
    if found != Normalisation.FOLDED.value:
        raise StartError(
            f"{checkpoint.path} was trained with {found} normalisation: start from a network that was trained with "
            "batch normalisation, or from nothing."
        )


@torch.no_grad()
def unfold(folded: Mcnn, x: Tensor, dropout: float) -> Mcnn:
    """The opposite of `fold`: the same function in evaluation mode. Each normalisation takes the mean and variance that
    its layer gives on x as running statistics, and as its own shift and gain, so that it changes nothing until training
    does.

    x: [N, 3, S, S] of `prepare`.
    """
    model = Mcnn(folded.layout, Normalisation.BATCH, dropout).eval()
    model.load_state_dict(folded.state_dict(), strict=False)

    def adopt(norm: nn.Module, arguments: tuple[Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        assert norm.running_mean is not None and norm.running_var is not None
        variance, mean = torch.var_mean(arguments[0], [d for d in range(arguments[0].dim()) if d != 1])
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.bias.copy_(mean)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))

    # A hook runs before its layer, so that what the next ones see has gone through the adopted normalisation.
    hooks = [norm.register_forward_pre_hook(adopt) for norm in model.norms]
    model(x)
    for hook in hooks:
        hook.remove()
    return model
