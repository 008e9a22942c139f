//! What a command shows: tables and colours for people at a terminal, JSON for programs.

use std::fmt::Display;
use std::io::{self, BufRead as _, IsTerminal as _, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use console::measure_text_width;
use serde::Serialize;

/// Where a command reads and writes.
pub struct Console<'a> {
    /// What it was asked for.
    pub out: &'a mut dyn Write,
    /// What it says to people meanwhile.
    pub err: &'a mut dyn Write,
    /// Whether a person answers on standard input.
    pub input_is_terminal: bool,
    /// Whether a person reads `out`.
    pub out_is_terminal: bool,
    /// Whether a person reads `err`.
    pub err_is_terminal: bool,
}

impl<'a> Console<'a> {
    /// The streams of this process.
    pub fn of_process(out: &'a mut io::Stdout, err: &'a mut io::Stderr) -> Self {
        Self {
            input_is_terminal: io::stdin().is_terminal(),
            out_is_terminal: out.is_terminal(),
            err_is_terminal: err.is_terminal(),
            out,
            err,
        }
    }

    /// Streams that nobody looks at while they are written.
    pub fn piped(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err, input_is_terminal: false, out_is_terminal: false, err_is_terminal: false }
    }
}

/// How output is to look. The flags of every command.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Look {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Show phone numbers in full on a terminal
    #[arg(long, global = true)]
    pub(super) show_numbers: bool,
}

/// What a command shows.
pub(super) struct Out<'a> {
    console: Console<'a>,
    look: Look,
    has_colour: bool,
}

/// Columns of a terminal that does not tell.
const WIDTH: u16 = 100;

impl<'a> Out<'a> {
    pub(super) fn new(console: Console<'a>, look: Look) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { console, look, has_colour: !is_set("NO_COLOR") && !is_dumb }
    }

    /// Whether a program reads it.
    pub(super) const fn is_json(&self) -> bool {
        self.look.json
    }

    /// Whether a person reads standard output at a terminal.
    pub(super) const fn is_terminal(&self) -> bool {
        self.console.out_is_terminal && !self.look.json
    }

    /// Whether a person reads standard error at a terminal: there go bars and questions.
    pub(super) const fn is_watched(&self) -> bool {
        self.console.err_is_terminal && !self.look.json
    }

    /// Whether somebody at a terminal can be asked.
    pub(super) const fn can_ask(&self) -> bool {
        self.console.input_is_terminal && self.console.err_is_terminal
    }

    /// How many columns a table may have.
    pub(super) fn width(&self) -> u16 {
        if !self.console.out_is_terminal {
            return WIDTH;
        }
        let own = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let told = || console::Term::stdout().size_checked().map(|(_, columns)| columns);
        own.or_else(told).filter(|columns| *columns >= 20).unwrap_or(WIDTH)
    }

    /// Prints a line of what was asked for.
    pub(super) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.console.out, "{text}")
    }

    /// Prints bytes of what was asked for, as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.console.out.write_all(bytes)
    }

    /// Prints a line of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
        line.push(b'\n');
        self.console.out.write_all(&line)
    }

    /// Prints a document as the service has it, in one line.
    pub(super) fn document(&mut self, json: &[u8]) -> io::Result<()> {
        self.console.out.write_all(&super::sink::line(json))
    }

    /// Prints what is there of some names and values.
    pub(super) fn pairs(&mut self, pairs: &[(&str, Option<String>)]) -> io::Result<()> {
        for (name, value) in pairs {
            let Some(value) = value else { continue };
            let name = self.faint(format_args!("{name:<12}"));
            self.line(format_args!("{name}  {value}"))?;
        }
        Ok(())
    }

    /// Prints a turn of a conversation: who, and what in lines below one another.
    pub(super) fn turn(&mut self, role: &str, width: usize, words: &str) -> io::Result<()> {
        let blanks = " ".repeat(width.saturating_sub(role.chars().count()));
        let role = if role == "user" { self.strong(role) } else { self.faint(role) };
        self.hanging(&format!("{role}{blanks}  "), width + 2, words)
    }

    /// Prints words after what is `indent` wide; at a terminal its further lines begin below its first.
    pub(super) fn hanging(&mut self, head: &str, indent: usize, words: &str) -> io::Result<()> {
        if !self.console.out_is_terminal {
            return self.line(format_args!("{head}{words}"));
        }
        let room = usize::from(self.width()).saturating_sub(indent).max(20);
        for (at, line) in wrapped(words, room).iter().enumerate() {
            if at == 0 {
                self.line(format_args!("{head}{line}"))?;
            } else {
                self.line(format_args!("{:indent$}{line}", ""))?;
            }
        }
        Ok(())
    }

    /// What was printed is there now.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.console.out.flush()
    }

    /// Says something to whoever looks on. Where nobody can hear it, nothing is lost.
    pub(super) fn say(&mut self, text: impl Display) {
        let _ = writeln!(self.console.err, "{text}");
        let _ = self.console.err.flush();
    }

    /// Asks for a yes, and takes everything else for a no. It blocks.
    pub(super) fn prompt(&mut self, question: &str) -> io::Result<()> {
        write!(self.console.err, "{question} [y/N] ")?;
        self.console.err.flush()
    }

    /// A phone number, as it may be seen here.
    pub(super) fn number(&self, number: &str) -> String {
        if self.console.out_is_terminal && !self.look.show_numbers {
            masked_number(number)
        } else {
            number.to_owned()
        }
    }

    /// A phone number for people who look on, wherever the output goes.
    pub(super) fn number_said(&self, number: &str) -> String {
        if self.look.show_numbers { number.to_owned() } else { masked_number(number) }
    }

    /// Other people's words: without numbers and control characters on a terminal, and in colour or
    /// in another position they say nothing of ours.
    pub(super) fn words(&self, text: &str) -> String {
        if !self.console.out_is_terminal {
            return text.to_owned();
        }
        let text = printable(text);
        // Of a row's place, digits are no number.
        if self.look.show_numbers || revrag::key::is_of_place(&text) {
            return text;
        }
        revrag::error::masked_but_ids(&text)
    }

    /// A table of what was asked for: bordered by nothing, as wide as the terminal, where it has no room
    /// for columns in which there is nothing, and says of the others which had none. In a pipe its lines are
    /// as long as they are.
    pub(super) fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        let (mut shown, mut left_out) = (vec![true; head.len()], Vec::new());
        if self.console.out_is_terminal {
            let widths = widths(head, &rows);
            shown = fitting(&widths, self.width().into());
            let each = head.iter().zip(&widths).zip(&shown);
            let each = each.filter(|((_, width), shown)| **width > 0 && !**shown);
            left_out.extend(each.map(|((name, _), _)| *name));
        }
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if self.console.out_is_terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(self.width());
        }
        table.set_header(head.iter().zip(&shown).filter_map(|(name, shown)| shown.then_some(name)));
        for row in rows {
            table
                .add_row(row.into_iter().zip(&shown).filter_map(|(it, shown)| shown.then_some(it)));
        }
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            // An id in two pieces can't be copied.
            if at < WHOLE {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for (at, line) in table.lines().enumerate() {
            let line = line.trim_end();
            let line = if at == 0 { self.faint(line) } else { line.to_owned() };
            self.line(line)?;
        }
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            self.say(format_args!("no room for: {names} (--format csv has all)"));
        }
        Ok(())
    }

    /// Emphasised, where there are colours.
    pub(super) fn strong(&self, text: impl Display) -> String {
        self.coloured("1", text)
    }

    /// In the background.
    pub(super) fn faint(&self, text: impl Display) -> String {
        self.coloured("2", text)
    }

    /// As it should be.
    pub(super) fn good(&self, text: impl Display) -> String {
        self.coloured("32", text)
    }

    /// Worth a look.
    pub(super) fn doubtful(&self, text: impl Display) -> String {
        self.coloured("33", text)
    }

    /// As it should not be. It is for standard error, too.
    pub(super) fn bad(&self, text: impl Display) -> String {
        let is_seen = self.is_terminal() || self.is_watched();
        if self.has_colour && is_seen && self.console.err_is_terminal {
            format!("\x1b[31m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    /// The name of a status, in its colour.
    pub(super) fn status(&self, status: &str) -> String {
        let text = self.words(status);
        match status {
            "completed" | "running" | "accepted" | "existing" | "ENDED" => self.good(text),
            "failed" | "cancelled" | "rejected" | "invalid" => self.coloured("31", text),
            "dnc" | "paused" | "unknown" => self.doubtful(text),
            _ => text,
        }
    }

    /// The same, at least so wide.
    pub(super) fn status_padded(&self, status: &str, width: usize) -> String {
        let blanks = width.saturating_sub(status.chars().count());
        format!("{}{}", self.status(status), " ".repeat(blanks))
    }

    /// Whether phone numbers are shown in full on a terminal.
    pub(super) const fn shows_numbers(&self) -> bool {
        self.look.show_numbers
    }

    fn coloured(&self, code: &str, text: impl Display) -> String {
        if self.has_colour && self.is_terminal() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// Words in lines of at most `width` characters, unless one is longer.
fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let is_over = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width
        });
        if is_over {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Whether the line that comes from standard input is a yes. It blocks.
pub(super) fn answer() -> io::Result<bool> {
    let mut line = Vec::new();
    io::stdin().lock().read_until(b'\n', &mut line)?;
    let line = line.trim_ascii().to_ascii_lowercase();
    Ok(matches!(line.as_slice(), b"y" | b"yes"))
}

/// A number of which the beginning and the end are left: enough to know it again, not to call it.
pub(super) fn masked_number(number: &str) -> String {
    let count = number.chars().count();
    if count <= 5 {
        return "*".repeat(count);
    }
    let kept = |at: usize| at < 3 || at + 2 >= count;
    let shown = number.chars().enumerate();
    shown.map(|(at, c)| if kept(at) && !c.is_control() { c } else { '*' }).collect()
}

/// A text in which no character moves the cursor or changes its colour.
pub(super) fn printable(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| {
            if c == '\n' || c == '\t' {
                ' '
            } else if is_hidden(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// The first columns of a table, which are there as a whole whatever the width.
const WHOLE: usize = 3;

/// How wide each column of a table would be, with the space after it; 0 where there is nothing in it.
fn widths(head: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let width = |at: usize, name: &str| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|it| measure_text_width(it));
        let widest = cells.max().unwrap_or(1);
        if widest == 0 { 0 } else { widest.max(measure_text_width(name)) + 2 }
    };
    head.iter().enumerate().map(|(at, name)| width(at, name)).collect()
}

/// Which columns have room: those that come first, the last of them in several lines if need be.
fn fitting(widths: &[usize], mut room: usize) -> Vec<bool> {
    /// Narrower lines are no pleasure to read.
    const NARROWEST: usize = 16;
    let fits = |(at, width): (usize, &usize)| {
        let is_shown = *width > 0 && (at < WHOLE || (*width).min(NARROWEST) <= room);
        room = room.saturating_sub(if is_shown { *width } else { 0 });
        is_shown
    };
    widths.iter().enumerate().map(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_room_are_left_out() {
        let rows = [vec!["x".repeat(36), "12".to_owned(), String::new(), "é".repeat(40)]];
        let widths = widths(&["id", "number", "status", "session"], &rows);
        assert_eq!(widths, [38, 8, 0, 42]);
        for (room, last) in [(88, true), (62, true), (61, false), (10, false)] {
            assert_eq!(fitting(&widths, room), [true, true, false, last], "{room}");
        }
    }

    #[test]
    fn a_masked_number_is_nobodys() {
        assert_eq!(masked_number("+919876543210"), "+91********10");
        assert_eq!(masked_number("98765"), "*****");
        assert_eq!(masked_number(""), "");
        assert_eq!(masked_number("\u{1b}[31m98765"), "*[3*****65");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb c\u{fffd}d");
    }
}
