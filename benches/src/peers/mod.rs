//! What people use today, and the best of their field, each as its documentation says.

pub(crate) mod appends;
pub(crate) mod hand_over;
pub(crate) mod mapped;
pub(crate) mod reads;
pub(crate) mod replacing;
pub(crate) mod rings;
pub(crate) mod whole;
pub(crate) mod writes;
