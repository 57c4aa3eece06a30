"""The tables by name. Each is a function from a Bench to what goes into bench-results.json."""

import table_batch
import table_gibbs
import table_gradient
import table_io
import table_linear
import table_map
import table_nuts
import table_start
import table_svi


class Table:
    def __init__(self, summary, run):
        self.summary, self.run = summary, run


TABLES = {
    "svi": Table("one SVI step of hpmf, AVOD and MovieLens", table_svi.run),
    "svi20m": Table("one SVI step of hpmf, 20 million ratings", table_svi.run_large),
    "batch": Table("one SVI step of hpmf on 10,000 of up to 20 million ratings", table_batch.run),
    "map": Table("one Adam step to the mode of pmf_sigmoid, MovieLens", table_map.run),
    "gibbs": Table("one Gibbs sweep of bpmf, up to a million ratings", table_gibbs.run_small),
    "gibbs20m": Table("one Gibbs sweep of bpmf, 10 and 20 million ratings", table_gibbs.run_large),
    "gradient": Table("one log density and gradient of five models", table_gradient.run),
    "nuts": Table("effective draws a gradient of nuts, beside Stan's", table_nuts.run),
    "start": Table("start to first step, memory, the published job", table_start.run),
    "linear": Table("a step's cost over ratings, dims and threads", table_linear.run),
    "io": Table("reading CSV, compiling a model file", table_io.run),
}
