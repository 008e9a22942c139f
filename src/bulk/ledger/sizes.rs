//! How much the service takes in one request, as far as it has told. Pure.

/// Which sizes the service takes, in rows and in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    taken: (usize, usize),
    refused: Option<(usize, usize)>,
}

impl Sizes {
    /// It took a request of this many rows and bytes.
    pub(super) fn took(&mut self, rows: usize, bytes: usize) {
        self.taken.0 = self.taken.0.max(rows);
        self.taken.1 = self.taken.1.max(bytes);
    }

    /// It refused a request of this many rows and bytes for its size.
    pub(super) fn refused(&mut self, rows: usize, bytes: usize) {
        let (least_rows, least_bytes) = self.refused.unwrap_or((rows, bytes));
        self.refused = Some((least_rows.min(rows), least_bytes.min(bytes)));
    }

    /// How many of rows of these sizes, from the first on, it takes in one request.
    pub(super) fn fits(self, sizes: impl Iterator<Item = usize>) -> usize {
        let Some((rows_refused, bytes_refused)) = self.refused else { return usize::MAX };
        // What was taken is taken again; else half of what was not.
        let (rows_taken, bytes_taken) = self.taken;
        let most_rows = if rows_taken > 0 && rows_taken < rows_refused {
            rows_taken
        } else {
            rows_refused.div_ceil(2)
        };
        let most_bytes = if bytes_taken > 0 && bytes_taken < bytes_refused {
            bytes_taken
        } else {
            bytes_refused.div_ceil(2)
        };
        let mut bytes = 0;
        let within = |size: usize| {
            bytes += size + 1;
            bytes <= most_bytes
        };
        sizes.take(most_rows).map(within).take_while(|fits| *fits).count().max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_size_that_was_refused_is_not_tried_again(
            limit in 1..400_usize, pushes in proptest::collection::vec(1..500_usize, 1..40),
        ) {
            let mut known = Sizes::default();
            let mut refusals = 0;
            for mut rows in pushes {
                while rows > 0 {
                    let size = known.fits(std::iter::repeat_n(50, rows)).min(rows);
                    prop_assert!(size > 0);
                    if size > limit {
                        refusals += 1;
                        known.refused(size, size * 51);
                    } else {
                        known.took(size, size * 51);
                        rows -= size;
                    }
                }
            }
            // One for each halving from the largest request on.
            prop_assert!(refusals <= 10, "{refusals}");
        }
    }
}
