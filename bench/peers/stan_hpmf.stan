// Matrix factorisation: models/hpmf.c. Columns of U and V are the factors of a user, an item.
data {
  int<lower=0> N;
  int<lower=0> n_users;
  int<lower=0> n_items;
  int<lower=1> dim;
  array[N] int<lower=1, upper=n_users> user;
  array[N] int<lower=1, upper=n_items> item;
  row_vector[N] rating;
}
parameters {
  vector[dim] loc_u;
  cholesky_factor_corr[dim] tril_u;
  real<lower=0> obs_scale;
  matrix[dim, n_users] U;
  matrix[dim, n_items] V;
}
model {
  loc_u ~ normal(0, 5);
  tril_u ~ lkj_corr_cholesky(2);
  obs_scale ~ inv_gamma(1, 1);
  // multi_normal with the precision tril_u tril_u'
  to_vector(tril_u' * (U - rep_matrix(loc_u, n_users))) ~ std_normal();
  target += n_users * sum(log(diagonal(tril_u)));
  to_vector(V) ~ std_normal();
  rating ~ normal(columns_dot_product(U[, user], V[, item]), obs_scale);
}
