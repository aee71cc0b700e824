// ROWS x COLS output-stationary elements with skewed edges; sums leave through the drain registers of the bottom row.
module array_os #(
    parameter ROWS = 4, parameter COLS = 4, parameter BITS = 8, parameter ACC = 32, parameter WRAP = 0
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [ROWS*BITS-1:0] row_data,
    input  wire [ROWS-1:0]      row_valid,
    input  wire                 row_first,      // first term of a fold
    input  wire [ROWS-1:0]      take,           // not skewed by row: see sequencer_os
    input  wire [ROWS-1:0]      hold,
    input  wire [COLS*BITS-1:0] col_data,
    input  wire [COLS-1:0]      col_valid,
    output wire [COLS*ACC-1:0]  bottom,
    output wire [COLS-1:0]      bottom_valid,
    output wire [ROWS*COLS-1:0] over
);
    wire [BITS-1:0] h_a      [0:ROWS*(COLS+1)-1];
    wire [3:0]      h_tags   [0:ROWS*(COLS+1)-1];   // valid, first, take, hold
    wire [BITS-1:0] v_b      [0:(ROWS+1)*COLS-1];
    wire [ACC-1:0]  v_drain  [0:(ROWS+1)*COLS-1];
    wire [1:0]      v_valid  [0:(ROWS+1)*COLS-1];   // operand, drain

    genvar r, c;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : left
            delay_line #(.WIDTH(BITS + 2), .DEPTH(r)) skew (
                .clk(clk), .rst(rst),
                .d({row_data[r*BITS +: BITS], row_valid[r], row_first}),
                .q({h_a[r*(COLS+1)], h_tags[r*(COLS+1)][3:2]}));
            assign h_tags[r*(COLS+1)][1:0] = {take[r], hold[r]};
        end
        for (c = 0; c < COLS; c = c + 1) begin : top
            delay_line #(.WIDTH(BITS + 1), .DEPTH(c)) skew (
                .clk(clk), .rst(rst),
                .d({col_data[c*BITS +: BITS], col_valid[c]}),
                .q({v_b[c], v_valid[c][1]}));
            assign v_drain[c] = {ACC{1'b0}};
            assign v_valid[c][0] = 1'b0;
            assign bottom[c*ACC +: ACC] = v_drain[ROWS*COLS + c];
            assign bottom_valid[c] = v_valid[ROWS*COLS + c][0];
        end
        for (r = 0; r < ROWS; r = r + 1) begin : row
            for (c = 0; c < COLS; c = c + 1) begin : col
                wire valid;
                assign h_tags[r*(COLS+1) + c + 1][3] = valid;
                assign v_valid[(r+1)*COLS + c][1] = valid;
                pe_os #(.BITS(BITS), .ACC(ACC), .WRAP(WRAP)) pe (
                    .clk(clk), .rst(rst),
                    .a_in(h_a[r*(COLS+1) + c]),
                    .a_valid_in(h_tags[r*(COLS+1) + c][3]),
                    .first_in(h_tags[r*(COLS+1) + c][2]),
                    .take_in(h_tags[r*(COLS+1) + c][1]),
                    .hold_in(h_tags[r*(COLS+1) + c][0]),
                    .b_in(v_b[r*COLS + c]),
                    .b_valid_in(v_valid[r*COLS + c][1]),
                    .drain_in(v_drain[r*COLS + c]),
                    .drain_valid_in(v_valid[r*COLS + c][0]),
                    .a(h_a[r*(COLS+1) + c + 1]),
                    .b(v_b[(r+1)*COLS + c]),
                    .valid(valid),
                    .first(h_tags[r*(COLS+1) + c + 1][2]),
                    .take(h_tags[r*(COLS+1) + c + 1][1]),
                    .hold(h_tags[r*(COLS+1) + c + 1][0]),
                    .drain(v_drain[(r+1)*COLS + c]),
                    .drain_valid(v_valid[(r+1)*COLS + c][0]),
                    .over(over[r*COLS + c]));
            end
        end
    endgenerate
endmodule
