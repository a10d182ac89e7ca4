-- wrk's side of a run: turn-in number n is of user n % users, each with a command id of its own.
-- Arguments: the file of tokens (one a line, user 0 first), the first number, the users' first quest,
-- and how many requests of a connection leave together.

local heads, users, number, first_quest, ahead, threads = {}, 0, 0, 0, 1, {}

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
  number, first_quest, ahead = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  sent = number
end

local function turn_in()
  local body = string.format(
    '{"command_id":"turn-in-%09d","type":"turn_in_quest","quest_id":"quest-%06d"}',
    number, math.floor(number / users) + first_quest)
  local head = heads[number % users]
  number = number + 1
  return head .. #body .. "\r\n\r\n" .. body
end

function request()
  local text = turn_in()
  for _ = 2, ahead do
    text = text .. turn_in()
  end
  sent = number
  return text
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"answered":%d,"microseconds":%d,"next":%d,"p50_us":%d,"p99_us":%d,"refused":%d,' ..
    '"broken":%d,"timeouts":%d}\n', summary.requests, summary.duration, threads[1]:get("sent"),
    latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write, errors.timeout))
end
