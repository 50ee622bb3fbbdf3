//! Hands one page to a browser on this machine, and nothing to anyone else.
//!
//! Only the loopback address is listened to. A request that names another host is refused, so that
//! a foreign page which lets its own name point here reads nothing. Requests are short, few at a
//! time, and each gets one answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use httparse::{EMPTY_HEADER, Request, Status};

/// Most bytes of a request.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Most headers of a request.
const HEADERS_MAX: usize = 64;

/// Most requests at a time. Browsers open connections before they need them.
const CONNECTIONS_MAX: usize = 16;

/// Longest time for the whole of a request, or an answer, to get on by a byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// A page that is served.
pub struct Server {
    listener: TcpListener,
    page: Arc<String>,
}

/// What a request is answered with.
struct Response<'p> {
    status: &'static str,
    body: &'p str,
    /// Whether the body itself is asked for, not just its length.
    has_body: bool,
}

impl Server {
    /// Listens on a port of the loopback address; 0 lets the operating system choose one.
    ///
    /// # Errors
    /// A port that is taken.
    pub fn new(port: u16, page: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Self { listener, page: Arc::new(page) })
    }

    /// Where the page is.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests for ever.
    ///
    /// # Errors
    /// No more connections can be accepted.
    pub fn run(&self) -> io::Result<()> {
        let (address, busy) = (self.address()?, Arc::new(AtomicUsize::new(0)));
        for stream in self.listener.incoming() {
            let Ok(stream) = stream else { continue };
            let (page, busy) = (Arc::clone(&self.page), Arc::clone(&busy));
            if busy.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
                busy.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            std::thread::Builder::new().spawn(move || {
                // A browser that went away is no error of the server.
                let _ = serve(stream, address, &page);
                busy.fetch_sub(1, Ordering::Relaxed);
            })?;
        }
        Ok(())
    }
}

fn serve(mut stream: TcpStream, address: SocketAddr, page: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read(&mut stream)?;
    if request.is_empty() {
        return Ok(());
    }
    let Response { status, body, has_body } = answer(&request, address, page);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if has_body {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

/// The bytes up to the empty line that ends a request's head; fewer where the browser sends no
/// more, or more than is read.
fn read(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        match stream.read(&mut part)? {
            0 => break,
            count => request.extend_from_slice(&part[..count]),
        }
    }
    Ok(request)
}

fn answer<'p>(request: &[u8], address: SocketAddr, page: &'p str) -> Response<'p> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = Request::new(&mut headers);
    let refused = |status| Response { status, body: "", has_body: true };
    let Ok(Status::Complete(_)) = parsed.parse(request) else {
        return refused("400 Bad Request");
    };
    if !is_for(&parsed, address) {
        return refused("421 Misdirected Request");
    }
    match (parsed.method, parsed.path) {
        (Some(method @ ("GET" | "HEAD")), Some("/")) => {
            Response { status: "200 OK", body: page, has_body: method == "GET" }
        }
        (Some("GET" | "HEAD"), _) => refused("404 Not Found"),
        _ => refused("405 Method Not Allowed"),
    }
}

/// Whether the request names this machine and port, once.
fn is_for(request: &Request<'_, '_>, address: SocketAddr) -> bool {
    let mut hosts =
        request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
    let host = hosts.next().map(|header| header.value);
    let names = [address.to_string(), format!("localhost:{}", address.port())];
    hosts.next().is_none() && names.iter().any(|name| host == Some(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4321);

    fn status(request: &str) -> &'static str {
        answer(request.as_bytes(), ADDRESS, "page").status
    }

    #[test]
    fn the_page_is_all_there_is() {
        let host = "Host: 127.0.0.1:4321\r\n\r\n";
        assert_eq!(status(&format!("GET / HTTP/1.1\r\n{host}")), "200 OK");
        assert_eq!(status(&format!("GET /etc/passwd HTTP/1.1\r\n{host}")), "404 Not Found");
        assert_eq!(status(&format!("POST / HTTP/1.1\r\n{host}")), "405 Method Not Allowed");
        let head = format!("HEAD / HTTP/1.1\r\n{host}");
        assert!(!answer(head.as_bytes(), ADDRESS, "page").has_body);
    }

    #[test]
    fn other_hosts_are_refused() {
        assert_eq!(status("GET / HTTP/1.1\r\nhost: localhost:4321\r\n\r\n"), "200 OK");
        for host in ["", "Host: evil.example:4321\r\n", "Host: 127.0.0.1\r\n"] {
            let request = format!("GET / HTTP/1.1\r\n{host}\r\n");
            assert_eq!(status(&request), "421 Misdirected Request", "{host}");
        }
        let two = "GET / HTTP/1.1\r\nHost: 127.0.0.1:4321\r\nHost: evil.example\r\n\r\n";
        assert_eq!(status(two), "421 Misdirected Request");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for request in ["", "GET /", "\0\r\n\r\n", "GET / HTTP/1.1\r\n"] {
            assert_eq!(status(request), "400 Bad Request", "{request:?}");
        }
        let endless = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(2 * REQUEST_BYTES_MAX));
        let kept = read(&mut endless.as_bytes()).unwrap().len();
        assert!((REQUEST_BYTES_MAX..REQUEST_BYTES_MAX + 1024).contains(&kept), "{kept}");
    }
}
