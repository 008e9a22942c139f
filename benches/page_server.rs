//! Answers with prepared pages, so that what is measured is who reads them: a line of the file that it
//! is given for each page, by the `page=` of the request. It prints its port, and ends with its input.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::{fs, thread};

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let answer = |body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let answers: Arc<[String]> = fs::read_to_string(path)?.lines().map(answer).collect();
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let answers = answers.clone();
            thread::spawn(move || serve(&connection, &answers));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn serve(mut connection: &TcpStream, answers: &[String]) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (mut input, mut line, mut page) = (BufReader::new(connection), String::new(), 1_usize);
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.starts_with("GET ") {
            let asked = line.split(['?', '&', ' ']).find_map(|one| one.strip_prefix("page="));
            page = asked.and_then(|number| number.parse().ok()).unwrap_or(1);
        } else if line == "\r\n" {
            let answer = page.checked_sub(1).and_then(|at| answers.get(at));
            connection.write_all(
                answer.map_or("HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n", |a| a).as_bytes(),
            )?;
        }
    }
}
