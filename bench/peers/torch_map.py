"""pmf_sigmoid (models/pmf_sigmoid.c) by hand in PyTorch: a step of Adam towards the mode under
torch.compile."""

import math
import worker

o = worker.options()
worker.limit_threads(o.threads)

import torch

torch.set_num_threads(o.threads)
torch.manual_seed(1)
dtype = torch.float64 if o.precision == "double" else torch.float32
torch.set_default_dtype(dtype)
data = worker.Ratings(o)
user, item = torch.as_tensor(data.user), torch.as_tensor(data.item)
share = (torch.as_tensor(data.rating) - 0.5) / 4.5
u = 0.01 * torch.randn(data.n_users, o.dim)
v = 0.01 * torch.randn(data.n_items, o.dim)
state = [torch.zeros_like(x) for x in (u, u, v, v)]
LOG_2PI = math.log(2 * math.pi)
CONSTANT = data.n * (0.5 * LOG_2PI + math.log(0.3 * 4.5)) + (u.numel() + v.numel()) * (
    0.5 * LOG_2PI + math.log(0.3)
)


def loss_of(u, v):
    residual = share - torch.sigmoid((u[user] * v[item]).sum(-1))
    squares = (residual * residual).sum() + (u * u).sum() + (v * v).sum()
    return (0.5 * squares / 0.09 + CONSTANT) / data.n


def adam(p, g, m, v, rate, root):
    m.mul_(0.9).add_(g, alpha=0.1)
    v.mul_(0.999).addcmul_(g, g, value=0.001)
    p.sub_(rate * m / (torch.sqrt(v) * root + 1e-8))


@torch.compile(fullgraph=True)
def step(u, v, m_u, v_u, m_v, v_v, rate, root):
    (g_u, g_v), loss = torch.func.grad_and_value(loss_of, argnums=(0, 1))(u, v)
    adam(u, g_u, m_u, v_u, rate, root)
    adam(v, g_v, m_v, v_v, rate, root)
    return loss


number = 0


def step_block(n):
    global number
    total = 0.0
    with torch.no_grad():
        for _ in range(n):
            number += 1
            rate = torch.tensor(o.lr / (1 - 0.9**number))
            root = torch.tensor(1 / math.sqrt(1 - 0.999**number))
            total += step(u, v, *state, rate, root)
    return float(total) / n


worker.serve(o, step_block, {"torch": torch.__version__})
