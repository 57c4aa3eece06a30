"""Opens the file written by nc_sample.h with ArviZ: python3 check_arviz.py draws.nc"""

import sys
import warnings

warnings.filterwarnings("ignore")
import arviz
import numpy

CHAINS, DRAWS, USERS, DIM = 2, 50, 3, 2


def check(engine):
    data = arviz.from_netcdf(sys.argv[1], engine=engine)
    U = data.posterior["U"]
    assert U.dims == ("chain", "draw", "user", "U_dim_0"), U.dims
    assert U.shape == (CHAINS, DRAWS, USERS, DIM), U.shape
    assert list(U.coords["user"].values) == ["ann", "b\u00e9a", "c d"], U.coords["user"]
    assert list(U.coords["draw"].values) == list(range(DRAWS))
    c, d, u, k = numpy.indices(U.shape)
    expected = 100.0 * c + 10.0 * u + k + 0.01 * ((d * 37) % DRAWS)
    assert numpy.array_equal(U.values, expected)
    assert data.posterior.attrs["inference_library"] == "urn"
    assert data.sample_stats["diverging"].dtype == bool
    assert data.sample_stats["diverging"].values.sum() == CHAINS * DRAWS // 10
    assert data.sample_stats["tree_depth"].values.ravel()[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
    summary = arviz.summary(data, var_names=["U", "obs_scale"])
    assert len(summary) == USERS * DIM + 1, summary
    assert "U[b\u00e9a, 1]" in summary.index, summary.index
    scale = 1.0 + 0.02 * numpy.arange(DRAWS)
    assert abs(summary.loc["obs_scale", "mean"] - scale.mean()) < 1e-3
    selected = U.sel(user="c d", chain=1, draw=0)
    assert selected.values.tolist() == [120.0, 121.0]


for engine in ("h5netcdf", "netcdf4"):
    check(engine)
print("arviz", arviz.__version__, "reads", sys.argv[1])
