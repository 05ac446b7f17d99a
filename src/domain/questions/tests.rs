//! The list itself. That each question finds its violation, and nothing else, is tested on whole logs in `tests/`.

use super::*;

#[test]
fn e9_questions_have_names_of_their_own_and_say_where_they_come_from() {
    let mut names: Vec<_> = ALL.iter().map(|question| question.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len(), "two questions share a name");
    for question in ALL {
        let letters = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(question.name.chars().all(letters), "{}", question.name);
        assert!(!question.requirements.is_empty(), "{}", question.name);
        assert!(!question.clauses.is_empty(), "{}", question.name);
        assert!(question.asks.ends_with('?'), "{}", question.name);
        assert_eq!(named(question.name).unwrap().name, question.name);
    }
    assert!(named("invented").is_none());
}
