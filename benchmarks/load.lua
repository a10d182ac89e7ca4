-- wrk's side of a run: turn-in number n is quest n / users of user n % users, each with a command id
-- of its own.  Arguments: the file of tokens (one a line, user 0 first) and the first number.

local heads, users, number, threads = {}, 0, 0, {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local host = wrk.host .. ":" .. wrk.port
  for token in io.lines(args[1]) do
    heads[users] = string.format(
      "POST /v1/users/user-%04d/commands HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n" ..
      "Content-Type: application/json\r\nContent-Length: ", users, host, token)
    users = users + 1
  end
  number = tonumber(args[2])
  sent = number
end

function request()
  local body = string.format(
    '{"command_id":"command-%09d","type":"turn_in_quest","quest_id":"quest-%06d"}',
    number, math.floor(number / users) + 1)
  local head = heads[number % users]
  number = number + 1
  sent = number
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"answered":%d,"microseconds":%d,"next":%d,"p50_us":%d,"p99_us":%d,"refused":%d,' ..
    '"broken":%d,"timeouts":%d}\n', summary.requests, summary.duration, threads[1]:get("sent"),
    latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write, errors.timeout))
end
