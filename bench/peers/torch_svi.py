"""hpmf (models/hpmf.c) by hand in PyTorch: a diagonal normal guide over one vector of coordinates, the
whole step (draw, loss, gradient, Adam) under torch.compile."""

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
user, item, rating = (torch.as_tensor(x) for x in (data.user, data.item, data.rating))
d = o.dim
sizes = [d, d * (d - 1) // 2, 1, data.n_users * d, data.n_items * d]
size = sum(sizes)
rows, columns = torch.tril_indices(d, d, -1)
later = (rows - 1 - columns).to(dtype)
powers = torch.arange(d - 1, -1, -1, dtype=dtype) + 2 * 2.0 - 2  # of the diagonal, by row
powers[0] = 0
LOG_2PI = math.log(2 * math.pi)


def lkj_constant():
    """Logarithm of the normalising constant of the LKJ prior with concentration 2."""
    p, alpha = d - 1, 2.0 + 0.5 * (d - 1)
    gammas = 0.25 * p * (p - 1) * math.log(math.pi)
    gammas += sum(math.lgamma(alpha - 0.5 - 0.5 * j) for j in range(d - 1))
    return 0.5 * p * math.log(math.pi) + gammas - p * math.lgamma(alpha)


CONSTANT = lkj_constant()


def log_density(z):
    loc_u, partial, log_noise, u, v = torch.split(z, sizes)
    u, v = u.view(data.n_users, d), v.view(data.n_items, d)
    # partial correlations to a Cholesky factor, with the Jacobian
    t = torch.zeros(d, d).index_put((rows, columns), torch.tanh(partial))
    log_left = 0.5 * torch.log1p(-t * t)
    before = torch.cat([torch.zeros(d, 1), torch.cumsum(log_left, 1)[:, :-1]], 1)
    tril = (t + torch.eye(d)) * torch.exp(before).tril()
    jacobian = ((2.0 + later) * log_left[rows, columns]).sum()
    diagonal = torch.diagonal(tril)
    log_diagonal = torch.log(diagonal)
    log_p = (powers * log_diagonal).sum() - CONSTANT + jacobian
    log_p = log_p - 0.5 * (loc_u * loc_u).sum() / 25 - d * (0.5 * LOG_2PI + math.log(5.0))
    white = (u - loc_u) @ tril
    log_p = log_p - 0.5 * (white * white).sum() + data.n_users * log_diagonal.sum()
    log_p = log_p - 0.5 * (v * v).sum() - 0.5 * LOG_2PI * d * (data.n_users + data.n_items)
    precision = torch.exp(-2 * log_noise)
    residual = rating - (u[user] * v[item]).sum(-1)
    log_p = log_p - 0.5 * precision * (residual * residual).sum()
    log_p = log_p - data.n * (log_noise + 0.5 * LOG_2PI)
    return (log_p - log_noise - torch.exp(-log_noise)).sum()


def loss_of(loc, log_scale, eps):
    z = loc + torch.exp(log_scale) * eps
    entropy = log_scale.sum() + 0.5 * size * (1 + LOG_2PI)
    return -(log_density(z) + entropy) / data.n


def adam(p, g, m, v, rate, root):
    m.mul_(0.9).add_(g, alpha=0.1)
    v.mul_(0.999).addcmul_(g, g, value=0.001)
    p.sub_(rate * m / (torch.sqrt(v) * root + 1e-8))


loc, log_scale = torch.zeros(size), torch.full((size,), math.log(0.1))
loc[sizes[0] + sizes[1]] = -math.log(math.log(2.0))
state = [torch.zeros(size) for _ in range(4)]


@torch.compile(fullgraph=True)
def step(eps, loc, log_scale, m_loc, v_loc, m_scale, v_scale, rate, root):
    (g_loc, g_scale), loss = torch.func.grad_and_value(loss_of, argnums=(0, 1))(
        loc, log_scale, eps
    )
    adam(loc, g_loc, m_loc, v_loc, rate, root)
    adam(log_scale, g_scale, m_scale, v_scale, rate, root)
    return loss


number = 0
eps = torch.empty(size)  # drawn outside: the compiled generator is many times slower


def step_block(n):
    global number
    total = 0.0
    with torch.no_grad():
        for _ in range(n):
            number += 1
            rate = torch.tensor(o.lr / (1 - 0.9**number))
            root = torch.tensor(1 / math.sqrt(1 - 0.999**number))
            total += step(eps.normal_(), loc, log_scale, *state, rate, root)
    return float(total) / n


worker.serve(o, step_block, {"torch": torch.__version__})
