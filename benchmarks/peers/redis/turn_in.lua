-- Turn-ins of one user or of many, atomically and in order.  Rows are hashes; each reply is written
-- here, so the application passes it on as it is.  A refusal changes nothing and stops nobody else.
--
-- Keys are built here, as one Redis allows.  They carry the user's hash tag: a Redis Cluster would
-- take a batch for each of its nodes, with the keys declared.
--
-- ARGV: 'whole' or 'minimal' replies, then user, command_id, quest_id of each.
-- XP_TO_NEXT, a table of what each level costs, is put in front when the script is loaded.
-- Returns a code and a reply for each, one after the other.

local function number(text)
  return tonumber(text) or 0
end

-- "%.0f" keeps integers exact up to 2^53; false (a field that is not there) becomes null.
local function int(text)
  if not text then return 'null' end
  return string.format('%.0f', text)
end

local function str(text)
  if not text then return 'null' end
  return '"' .. text .. '"'
end

local function brief(command_id, version, replayed)
  return '{"command_id":' .. str(command_id) .. ',"version":' .. version ..
    ',"replayed":' .. replayed .. '}'
end

local minimal = ARGV[1] == 'minimal'
local time = redis.call('TIME')
local stamp = string.format('%.0f', time[1] * 1000000 + time[2])

local function turn_in(user, command_id, quest_id)
  local mine = '{' .. user .. '}:'
  local player_key, receipts_key = mine .. 'progression', mine .. 'receipts'
  local quest_key = mine .. 'quest:' .. quest_id
  local known = redis.call('HGET', receipts_key, command_id)
  if known then
    local told_quest, told = string.match(known, '^([^ ]+) (.*)$')
    if told_quest ~= quest_id then return 'command_id_reused', '' end
    if minimal then return 'ok', brief(command_id, string.match(told, '"version":(%d+)'), 'true') end
    return 'ok', (string.gsub(told, '"replayed":false', '"replayed":true', 1))
  end

  local quest = redis.call('HMGET', quest_key,
    'status', 'chapter_id', 'experience', 'objectives', 'reward', 'created_at')
  if not quest[1] then return 'quest_not_found', '' end
  if quest[1] == 'turned_in' then return 'quest_already_turned_in', '' end
  if quest[1] ~= 'ready_to_turn_in' then return 'quest_not_ready', '' end

  redis.call('HSET', quest_key, 'status', 'turned_in', 'updated_at', stamp)

  local p = redis.call('HMGET', player_key, 'version', 'level', 'current_level_xp', 'total_xp',
    'xp_to_next_level', 'pending_level_ups', 'last_granted_source', 'created_at', 'updated_at')
  local version, level, current, total = number(p[1]) + 1, number(p[2]), number(p[3]), number(p[4])
  local cost, pending, source, updated = number(p[5]), number(p[6]), p[7], p[9]
  if level == 0 then
    level, cost, p[8], updated = 1, XP_TO_NEXT[1], stamp, stamp
  end
  local amount = number(quest[3])
  if amount > 0 then
    local from_level = level
    current, total = current + amount, total + amount
    while cost > 0 and current >= cost do
      current = current - cost
      level = level + 1
      cost = XP_TO_NEXT[level] or 0
    end
    pending, source, updated = pending + level - from_level, 'quest', stamp
  end
  redis.call('HSET', player_key, 'version', version, 'level', level, 'current_level_xp', int(current),
    'total_xp', int(total), 'xp_to_next_level', int(cost), 'pending_level_ups', pending,
    'last_granted_source', source or '', 'created_at', p[8], 'updated_at', updated)

  -- A chapter without a plan is skipped in silence.
  local chapter = ''
  local chapter_key = mine .. 'chapter:' .. (quest[2] or '')
  local c = redis.call('HMGET', chapter_key, 'chapter_progression_id', 'chapter_index',
    'total_chapters', 'entry_pseudo_level_millis', 'exit_pseudo_level_millis', 'entry_level',
    'exit_level', 'planned_total_xp', 'planned_quest_xp', 'planned_hostile_xp', 'actual_quest_xp',
    'actual_hostile_xp', 'expected_hostile_defeat_count', 'actual_hostile_defeat_count',
    'level_at_entry', 'pace_band', 'created_at')
  if c[1] then
    local ledger = int(number(c[11]) + amount)
    redis.call('HSET', chapter_key,
      'actual_quest_xp', ledger, 'level_at_exit', level, 'updated_at', stamp)
    chapter = '{"chapter_progression_id":' .. str(c[1]) .. ',"user_id":' .. str(user) ..
      ',"chapter_id":' .. str(quest[2]) .. ',"chapter_index":' .. c[2] ..
      ',"total_chapters":' .. c[3] .. ',"entry_pseudo_level_millis":' .. c[4] ..
      ',"exit_pseudo_level_millis":' .. c[5] .. ',"entry_level":' .. c[6] ..
      ',"exit_level":' .. c[7] .. ',"planned_total_xp":' .. c[8] ..
      ',"planned_quest_xp":' .. c[9] .. ',"planned_hostile_xp":' .. c[10] ..
      ',"actual_quest_xp":' .. ledger .. ',"actual_hostile_xp":' .. c[12] ..
      ',"expected_hostile_defeat_count":' .. c[13] ..
      ',"actual_hostile_defeat_count":' .. c[14] .. ',"level_at_entry":' .. c[15] ..
      ',"level_at_exit":' .. level .. ',"pace_band":' .. str(c[16]) ..
      ',"created_at":' .. c[17] .. ',"updated_at":' .. stamp .. '}'
  end

  local body = '{"command_id":' .. str(command_id) .. ',"version":' .. version ..
    ',"replayed":false,"changes":{"player_progression":{"user_id":' .. str(user) ..
    ',"level":' .. level .. ',"current_level_xp":' .. int(current) ..
    ',"total_xp":' .. int(total) .. ',"xp_to_next_level":' .. int(cost) ..
    ',"pending_level_ups":' .. pending .. ',"last_granted_source":' .. str(source) ..
    ',"created_at":' .. p[8] .. ',"updated_at":' .. updated ..
    '},"chapter_progression":[' .. chapter .. '],"quest_record":[{"quest_id":' .. str(quest_id) ..
    ',"user_id":' .. str(user) .. ',"chapter_id":' .. str(quest[2]) ..
    ',"status":"turned_in","objectives":' .. quest[4] .. ',"reward":' .. quest[5] ..
    ',"created_at":' .. quest[6] .. ',"updated_at":' .. stamp .. '}]}}'
  redis.call('HSET', receipts_key, command_id, quest_id .. ' ' .. body)
  if minimal then return 'ok', brief(command_id, version, 'false') end
  return 'ok', body
end

local answers = {}
for first = 2, #ARGV, 3 do
  local code, reply = turn_in(ARGV[first], ARGV[first + 1], ARGV[first + 2])
  answers[#answers + 1] = code
  answers[#answers + 1] = reply
end
return answers
