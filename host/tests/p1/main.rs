//! Single calls of preview1 guests: what each is answered, and what hostile ones cannot do.

mod answers;
mod caller;
mod hostile;
