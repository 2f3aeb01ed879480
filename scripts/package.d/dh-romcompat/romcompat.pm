# The sequence add-on of `dh --with romcompat`.
use strict;
use warnings;

insert_before('dh_installdeb', 'dh_romcompat');

1;
